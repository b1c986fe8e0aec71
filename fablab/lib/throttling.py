"""The API's rate limits: one statement a request, counted for all processes together.

DRF's own throttles take four statements and a transaction with a cache in the database, and lose counts when two
requests of one person come at once.
"""

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.db import connection
from rest_framework.throttling import AnonRateThrottle, UserRateThrottle

from fablab.lib.callers import connection_of

if TYPE_CHECKING:
    # Views load this module while they are being loaded themselves.
    from rest_framework.request import Request

# A row of the cache's table: what has expired is culled with the rest. The statement is a transaction of its own,
# asked before the view: it need not wait for the disk, as a count lost with the power is no loss.
COUNT = """
INSERT INTO django_cache AS known (cache_key, value, expires)
SELECT %(key)s, '1', date_trunc('second', now()) + %(window)s::interval
FROM set_config('synchronous_commit', 'off', true)
ON CONFLICT (cache_key) DO UPDATE SET
    value = CASE WHEN known.expires <= now() THEN '1' ELSE (known.value::int + 1)::text END,
    expires = CASE WHEN known.expires <= now() THEN excluded.expires ELSE known.expires END
RETURNING value::int, extract(epoch FROM expires - now())::float8
"""


def is_within_rate(key: str, *, most: int, window: dt.timedelta) -> bool:
    """Count one more of these, and say whether it is among the first `most` of the window."""
    return _counted(key, window)[0] <= most


def _counted(key: str, window: dt.timedelta) -> tuple[int, float]:
    """How many since the window began, this one included; and seconds until it ends."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"key": f"rate:{key}", "window": f"{window.total_seconds()} seconds"})
        count, wait_s = cursor.fetchone()
    return int(count), float(wait_s)


class _Counted:
    """`rate` requests in a window that begins with the first of them."""

    wait_s: float = 0.0

    def allow_request(self, request: "Request", view: Any) -> bool:
        limit: Any = self  # one of DRF's throttles, below
        key = limit.get_cache_key(request, view)
        if key is None or limit.rate is None:
            return True
        count, self.wait_s = _counted(key, dt.timedelta(seconds=limit.duration))
        return bool(count <= limit.num_requests)

    def wait(self) -> float:
        return max(self.wait_s, 1.0)


class AnonymousRate(_Counted, AnonRateThrottle):
    """By connection."""

    def get_ident(self, request: "Request") -> str:
        return connection_of(super().get_ident(request))


class PersonRate(_Counted, UserRateThrottle):
    """By person."""
