"""What somebody was told, as a feed reader reads it (Atom, RFC 4287)."""

import datetime as dt
import hashlib
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.html import escape

from people.lab import current_lab
from people.models import Notice, Person
from people.notices.kinds import kinds

MOST = 50
# Raised when the same messages are written otherwise, so that no reader keeps the old writing.
WRITING = 1
# What XML 1.0 cannot hold; somebody may have pasted it into a reason.
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class FeedMessage:
    """One message in the reader's words."""

    id: str
    title: str
    text: str
    url: str
    at: dt.datetime


def newest_messages(*, person: Person, is_for_the_team: bool, now: dt.datetime) -> list[FeedMessage]:
    """The last fifty that they were told, newest first, in the language that is active; one query. None becomes read.

    What only the team is told is among them where `is_for_the_team`.
    """
    known = {kind.code: kind for kind in kinds() if is_for_the_team or not kind.is_for_the_team}
    rows: QuerySet[Notice] = Notice.objects.due(now).filter(person=person, kind__in=known)
    found = []
    for row in rows.order_by("-due_at", "-pk")[:MOST]:
        words = known[row.kind].words(row.params)
        found.append(
            FeedMessage(
                id=uuid.uuid5(uuid.NAMESPACE_URL, f"fablab:notice:{row.key}").urn,
                title=_clean(" ".join(words.subject.split())),
                text=_clean(words.body),
                url=settings.ADDRESSES[0] + (row.link or reverse("me-messages")),
                at=row.due_at,
            )
        )
    return found


def mark_of_messages(found: Sequence[FeedMessage], *, name: str, language: str, own_url: str) -> str:
    """An ETag: the same as long as the feed would be written the same."""
    told = (WRITING, language, name, own_url, found)
    return f'"{hashlib.sha256(repr(told).encode()).hexdigest()[:32]}"'


def as_atom(
    found: Sequence[FeedMessage], *, name: str, language: str, own_url: str, feed_id: str, since: dt.datetime
) -> bytes:
    """The whole feed; `since` is when it was last changed, where nothing is in it."""
    feed = _Feed(
        title=_clean(name), link=settings.ADDRESSES[0] + reverse("me-messages"), description="", language=language,
        author_name=_clean(current_lab().name or settings.LAB_NAME), feed_url=own_url, feed_guid=feed_id,
    )  # fmt: skip
    feed.since = since
    for message in found:
        feed.add_item(
            title=message.title, link=message.url, description=escape(message.text), unique_id=message.id,
            pubdate=message.at, updateddate=message.at,
        )  # fmt: skip
    return feed.writeString("utf-8").encode()


class _Feed(Atom1Feed):
    """Django's, without the clock of now where nothing is in it."""

    since: dt.datetime

    def latest_post_date(self) -> dt.datetime:
        return max((item["updateddate"] for item in self.items), default=self.since)


def _clean(text: str) -> str:
    return _NOT_IN_XML.sub("", text)
