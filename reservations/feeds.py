"""Secret addresses under which calendar programs read reservations: made, shown once, looked up, revoked."""

import datetime as dt
import hashlib
import secrets
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Q
from django.dispatch import receiver
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from fablab.lib.changes import note_change
from machines.models import Machine
from people.models import Person, Site
from people.permissions import is_staff
from people.signals import signed_out_everywhere
from reservations.models import CalendarFeed

# As many as somebody has devices and habits; more are forgotten ones.
MOST = 20
# Being read is written at most this often.
READ_EVERY = dt.timedelta(minutes=10)


@transaction.atomic
def make_feed(
    *,
    by: Person,
    now: dt.datetime,
    label: str = "",
    person: Person | None = None,
    machine: Machine | None = None,
    site: Site | None = None,
) -> tuple[CalendarFeed, str]:
    """An address of one person's, one machine's or one site's reservations, and its secret: told this once.

    Raises:
        ValidationError: there are too many already, or what was written cannot be kept.
    """
    token = secrets.token_urlsafe(32)
    feed = CalendarFeed(
        person=person, machine=machine, site=site, label=label.strip(), token_digest=digest_of(token), created_at=now,
        created_by=by, tells_the_team=person is not None and is_staff(person),
    )  # fmt: skip
    feed.full_clean()
    # Two tabs at once count one after the other.
    Person.objects.select_for_update().get(pk=by.pk)
    if CalendarFeed.objects.filter(person=person, machine=machine, site=site, revoked_at=None).count() >= MOST:
        raise ValidationError(_("There are %d addresses already. Revoke one that nobody reads.") % MOST)
    feed.save(force_insert=True)
    note_change("new", feed, by)
    return feed, token


def revoke_feed(*, feed: CalendarFeed, by: Person, now: dt.datetime) -> None:
    """The address answers nobody any more, from the next reading on."""
    if CalendarFeed.objects.filter(pk=feed.pk, revoked_at=None).update(revoked_at=now):
        note_change("revoked", feed, by)


@receiver(signed_out_everywhere, dispatch_uid="reservations.feeds")
def end_feeds(person: Person, now: dt.datetime, **_news: Any) -> None:
    """Whoever opened the person's pages may have made an address of their own: none of theirs answers any more."""
    CalendarFeed.objects.filter(person=person, revoked_at=None).update(revoked_at=now)


def feed_with(token: str, *, now: dt.datetime) -> CalendarFeed | None:
    """The feed with this secret; None for an unknown or revoked one, or of somebody who left.

    Looked up by digest: how long that takes tells nothing about the secret. Being read is written now and then.
    """
    feed = (
        CalendarFeed.objects.filter(token_digest=digest_of(token), revoked_at=None)
        .filter(Q(person=None) | Q(person__is_active=True))
        .select_related("person", "machine__unit__site", "site")
        .first()
    )
    if feed is not None and (feed.read_at is None or feed.read_at < now - READ_EVERY):
        CalendarFeed.objects.filter(pk=feed.pk).update(read_at=now)
        feed.read_at = now
    return feed


def feeds_of_person(person: Person) -> Sequence[CalendarFeed]:
    """Those that still answer, the newest first."""
    return list(CalendarFeed.objects.filter(person=person, revoked_at=None))


def feeds_of_site(site: Site) -> Sequence[CalendarFeed]:
    """Those of the site and of its machines that still answer: the site's first, then by machine."""
    of_it = Q(site=site) | Q(machine__unit__site=site)
    rows = CalendarFeed.objects.filter(of_it, revoked_at=None).select_related("site", "machine", "created_by")
    return list(rows.order_by(F("machine__name").asc(nulls_first=True), "-created_at"))


def messages_seal(token: str) -> str:
    """What opens the messages too, beside the secret: whoever was given the calendar's address cannot make it up."""
    return salted_hmac("feeds.messages", token).hexdigest()[:20]


def feed_with_messages(token: str, seal: str, *, now: dt.datetime) -> CalendarFeed | None:
    """As `feed_with`, of a person, where the seal is the secret's own."""
    if not constant_time_compare(seal, messages_seal(token)):
        return None
    found = feed_with(token, now=now)
    return found if found is not None and found.person_id is not None else None


def digest_of(token: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(token.encode()).hexdigest()
