"""Writes notices down, once each, with the ways they go."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from fablab.lib.outgoing_mail import sends_mail
from people.models import Channel, Delivery, Notice, NoticePreference, Person, Site
from people.notices.kinds import Kind, kind_of
from people.notices.sms import can_text


@dataclass(frozen=True, slots=True)
class Telling:
    """One thing to tell: what makes two of them the same (`key`), JSON, and when it goes (at once when None)."""

    kind: str
    key: str
    params: Mapping[str, Any]
    due_at: dt.datetime | None = None


def tell(
    *,
    person: Person,
    kind: str,
    key: str,
    params: Mapping[str, Any],
    now: dt.datetime,
    link: str = "",
    site: Site | None = None,
    due_at: dt.datetime | None = None,
) -> Notice | None:
    """Write the notice down, to go at `due_at` (at once when it is None); None when it was written before.

    `key` says what makes two of them the same; `params` are JSON. Within the caller's transaction: what is undone was
    never told.

    Raises:
        KeyError: no such kind.
    """
    told = tell_each([Telling(kind, key, params, due_at)], person=person, now=now, link=link, site=site)
    return told[0] if told else None


def tell_each(
    tellings: Sequence[Telling], *, person: Person, now: dt.datetime, link: str = "", site: Site | None = None
) -> list[Notice]:
    """As `tell`, several at once; those that are new. Three statements, whatever their number.

    Raises:
        KeyError: no such kind.
    """
    if not tellings:
        return []
    kinds = {telling.kind: kind_of(telling.kind) for telling in tellings}
    told = _insert(
        Notice(
            person=person, site=site, kind=each.kind, key=each.key, params=dict(each.params), link=link,
            created_at=now, due_at=each.due_at or now,
        )
        for each in tellings
    )  # fmt: skip
    ways = ways_of(person, list(kinds.values())) if told else {}
    deliveries = [
        Delivery(notice=notice, channel=channel, **_first_state(channel, notice))
        for notice in told
        for channel in ways[notice.kind]
    ]
    if deliveries:
        Delivery.objects.bulk_create(deliveries)
    return told


def _insert(notices: Iterable[Notice]) -> list[Notice]:
    """Those that were not there yet. In SQL: Django gives no key back where a conflict is passed over."""
    columns = [field for field in Notice._meta.concrete_fields if not field.primary_key]
    names = ", ".join(connection.ops.quote_name(str(field.column)) for field in columns)
    by_key = {notice.key: notice for notice in notices}
    values = [
        field.get_db_prep_save(field.pre_save(notice, add=True), connection)
        for notice in by_key.values()
        for field in columns
    ]
    rows = ", ".join([f"({', '.join(['%s'] * len(columns))})"] * len(by_key))
    sql = f"INSERT INTO {Notice._meta.db_table} ({names}) VALUES {rows} ON CONFLICT (key) DO NOTHING RETURNING key, id"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        keys = dict(cursor.fetchall())
    for key, pk in keys.items():
        by_key[key].pk = pk
    return [notice for key, notice in by_key.items() if key in keys]


def withdraw(*, key_prefix: str, now: dt.datetime) -> int:
    """Take back what has not gone yet, of all notices whose key begins so; how many."""
    waiting = Delivery.objects.filter(
        notice__key__startswith=key_prefix, notice__due_at__gt=now, status=Delivery.Status.QUEUED
    )
    with transaction.atomic():
        count = waiting.update(status=Delivery.Status.DROPPED, done_at=now, next_try_at=None)
        Notice.objects.filter(key__startswith=key_prefix, due_at__gt=now).update(read_at=now)
    return count


def settle(*, key_prefix: str, now: dt.datetime) -> int:
    """Nobody needs to be told any more, of all notices whose key begins so: what has not gone yet stays, what was not
    read counts as read; how many were not read."""
    open_ones = Q(status=Delivery.Status.QUEUED) | Q(status=Delivery.Status.TO_CALL)
    with transaction.atomic():
        Delivery.objects.filter(open_ones, notice__key__startswith=key_prefix).update(
            status=Delivery.Status.DROPPED, done_at=now, next_try_at=None
        )
        return Notice.objects.unread().filter(key__startswith=key_prefix).update(read_at=now)


def ways_of(person: Person, kinds: Sequence[Kind]) -> dict[str, list[Channel]]:
    """By which ways a notice of each kind is sent, beyond standing in their pages: what they chose, else the usual; the
    desk's call list when nothing else would reach them and they should know. One query."""
    rows = NoticePreference.objects.filter(person=person, kind__in=[kind.code for kind in kinds])
    chosen = {(code, channel): wanted for code, channel, wanted in rows.values_list("kind", "channel", "is_wanted")}
    return {kind.code: _ways(person, kind, chosen) for kind in kinds}


def _ways(person: Person, kind: Kind, chosen: Mapping[tuple[str, str], bool]) -> list[Channel]:
    wanted = [channel for channel in Channel if chosen.get((kind.code, channel), channel in kind.usual)]
    ways = [channel for channel in wanted if _can_go(person, channel)]
    if kind.must_reach and not set(ways) & {Channel.EMAIL, Channel.SMS, Channel.APPRISE} and not _reads_pages(person):
        ways.append(Channel.CALL)
    return [channel for channel in Channel if channel in ways]


def is_reachable(person: Person) -> bool:
    """Whether something reaches the person without anybody telephoning."""
    return _can_go(person, Channel.EMAIL) or _reads_pages(person)


def _can_go(person: Person, channel: Channel) -> bool:
    if channel == Channel.SMS:
        return can_text(person)
    return channel == Channel.EMAIL and bool(person.contact_email) and sends_mail()


def _reads_pages(person: Person) -> bool:
    return person.last_login is not None and person.has_usable_password()


def _first_state(channel: Channel, notice: Notice) -> dict[str, Any]:
    if channel == Channel.CALL:
        return {"status": Delivery.Status.TO_CALL}
    return {"status": Delivery.Status.QUEUED, "next_try_at": notice.due_at}
