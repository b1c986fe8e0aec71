"""What somebody was told, as their own page shows it, and by which ways they want it."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F, QuerySet

from people.models import Channel, Notice, NoticePreference, Person
from people.notices.kinds import Kind, Words, kind_of, kinds

SHOWN_MOST = 100
# Among these are reminders that are over, and those are left out.
LOOKED_AT = 400


@dataclass(frozen=True, slots=True)
class Message:
    """One notice in the reader's words."""

    notice: Notice
    words: Words

    @property
    def is_new(self) -> bool:
        return self.notice.read_at is None


def unread_count(*, person: Person, now: dt.datetime) -> int:
    """How many they have not seen, as it was read with whoever signed in; else one query, by its index."""
    known: int | None = getattr(person, "_unread_count", None)
    if known is not None:
        return known
    return Notice.objects.unread().due(now).filter(person=person).count()


def keep_unread_count(person: Person, count: int) -> None:
    """Keep what was read with the person for the rest of the request."""
    person._unread_count = count  # type: ignore[attr-defined]


def messages_of(*, person: Person, now: dt.datetime) -> list[Message]:
    """What they were told until now, in the language that is active: what they have not seen first, then the newest.

    A reminder that is over, and whatever else need not reach anybody by now, is left out.
    """
    rows: QuerySet[Notice] = Notice.objects.due(now).filter(person=person)
    rows = rows.order_by(F("read_at").desc(nulls_first=True), "-due_at", "-pk")
    known = {kind.code: kind for kind in kinds()}
    kept = [
        row for row in rows[:LOOKED_AT]
        if row.kind in known and (known[row.kind].must_reach or not known[row.kind].is_over(row.params, now))
    ]  # fmt: skip
    found = [Message(row, known[row.kind].words(row.params)) for row in kept[:SHOWN_MOST]]
    return sorted(found, key=lambda message: (not message.is_new, -message.notice.due_at.timestamp()))


def mark_read(*, person: Person, now: dt.datetime) -> int:
    """They have seen all until now; how many were new."""
    keep_unread_count(person, 0)
    return Notice.objects.unread().due(now).filter(person=person).update(read_at=now)


def pass_over(*, now: dt.datetime) -> int:
    """Reminders that are over, and the like, count as read: nobody is called to look at them. How many."""
    passing = {kind.code: kind for kind in kinds() if not kind.must_reach and kind.over_at}
    rows = Notice.objects.unread().due(now).filter(kind__in=passing).order_by("due_at")
    over = [pk for pk, code, params in rows.values_list("pk", "kind", "params")[:2000]
            if passing[code].is_over(params, now)]  # fmt: skip
    return Notice.objects.unread().filter(pk__in=over).update(read_at=now)


def choosable_kinds(*, is_of_the_team: bool) -> list[Kind]:
    """What somebody can choose a way for: what only the team is told stands there for the team."""
    return [kind for kind in kinds() if is_of_the_team or not kind.is_for_the_team]


def wanted_by(*, person: Person, channel: Channel) -> dict[str, bool]:
    """`{kind: whether they want it by this way}`: what they chose, else the usual. One query."""
    rows = NoticePreference.objects.filter(person=person, channel=channel)
    chosen = dict(rows.values_list("kind", "is_wanted"))
    return {kind.code: chosen.get(kind.code, channel in kind.usual) for kind in kinds()}


@transaction.atomic
def choose_by(*, person: Person, channel: Channel, wanted: Mapping[str, bool]) -> None:
    """Keep what they chose, where it differs from the usual: who chose nothing follows the usual when it changes."""
    for code, is_wanted in wanted.items():
        rows = NoticePreference.objects.filter(person=person, kind=code, channel=channel)
        if is_wanted == (channel in kind_of(code).usual):
            rows.delete()
        else:
            NoticePreference.objects.update_or_create(
                person=person, kind=code, channel=channel, defaults={"is_wanted": is_wanted}
            )
