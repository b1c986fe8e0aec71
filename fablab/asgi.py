"""Pages and API are Django's WSGI application in a thread pool; `/live/` is native async.

Measured: 1.5 to 1.8 times Django's own ASGI handler. Bodies reach Django only when complete (see `spool`), and who
fetches slowly holds none of its threads (see `answers`).
"""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fablab.settings")

from a2wsgi import WSGIMiddleware
from django.conf import settings

from fablab.answers import SpoolAnswer
from fablab.live import LiveStream
from fablab.spool import Receive, Scope, Send, SpoolBody
from fablab.wsgi import application as wsgi_application

THREADS = 8

live = LiveStream()
SPOOL = settings.DATA_DIR / "spool"
whole = SpoolBody(
    WSGIMiddleware(wsgi_application, workers=THREADS),  # type: ignore[arg-type]
    most_bytes=(settings.UPLOAD_MAX_MB + 1) * 1024 * 1024,
    folder=SPOOL,
)
pages = SpoolAnswer(whole, folder=SPOOL)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Route by path; the lifespan belongs to the live stream, which holds the database connection."""
    if scope["type"] == "lifespan":
        await live.lifespan(receive, send)
    elif scope["type"] == "http" and scope["path"].startswith("/live/"):
        await live(scope, receive, send)
    elif scope["type"] == "http":
        await pages(scope, receive, send)
