"""Sends what is due: claimed, then sent, then noted, so that nothing goes twice.

What a killed worker left half-way is not sent again, since nobody knows whether it went: the desk telephones instead.
"""

import datetime as dt
import logging
from collections.abc import Callable

from django.db import transaction
from django.utils.translation import override

from people.models import Channel, Delivery
from people.notices.kinds import Kind, kind_of
from people.notices.mail import Mailer, NotSent
from people.notices.sms import send_sms
from people.notices.team import send_to_channels

log = logging.getLogger(__name__)

Status = Delivery.Status
# After the first try, and after each that failed; then somebody telephones.
PAUSES = (dt.timedelta(minutes=1), dt.timedelta(minutes=5), dt.timedelta(minutes=30), dt.timedelta(hours=2))
TRIES = len(PAUSES) + 1
# Far beyond the longest answer of a mail server.
LOST_AFTER = dt.timedelta(minutes=10)
# The server itself is away: the others wait for the next minute.
FAILURES_IN_A_ROW = 3


def send_due(*, clock: Callable[[], dt.datetime], most: int = 200) -> int:
    """Send what is due, the longest waiting first, each in a transaction of its own; how many went.

    Side effects in order: what a killed worker left is given up; each row is claimed and committed, sent, noted.
    """
    give_up_on_lost(clock())
    sent = failed = failed_in_a_row = 0
    mailer = Mailer()
    try:
        while sent + failed < most and failed_in_a_row < FAILURES_IN_A_ROW:
            delivery = _claim(clock())
            if delivery is None:
                break
            try:
                went = _send(delivery, mailer, clock())
            except NotSent as failure:
                _note_failure(delivery, failure, clock())
                failed, failed_in_a_row = failed + 1, failed_in_a_row + 1
            else:
                _note_done(delivery, Status.SENT if went else Status.DROPPED, clock())
                sent, failed_in_a_row = sent + went, 0
    finally:
        mailer.close()
    if failed:
        log.warning("Notices that could not be sent now: %d.", failed)
    return sent


def give_up_on_lost(now: dt.datetime) -> int:
    """Rows that were being sent when the worker died: failed, and on the call list where the person must know."""
    rows = Delivery.objects.filter(status=Status.SENDING, next_try_at__lte=now).select_related("notice")
    lost = 0
    for row in rows[:200]:
        lost += _end(row, NotSent("worker_stopped", is_final=True))
    return lost


def _claim(now: dt.datetime) -> Delivery | None:
    """The next one that is due, marked and committed before anything is sent; others claim past it."""
    with transaction.atomic(durable=True):
        row = (
            Delivery.objects.select_for_update(of=("self",), skip_locked=True)
            .filter(status=Status.QUEUED, next_try_at__lte=now)
            .select_related("notice__person", "notice__site")
            .order_by("next_try_at", "pk")
            .first()
        )
        if row is not None:
            row.status, row.attempts, row.next_try_at = Status.SENDING, row.attempts + 1, now + LOST_AFTER
            row.save(update_fields=["status", "attempts", "next_try_at"])
    return row


def _send(delivery: Delivery, mailer: Mailer, now: dt.datetime) -> bool:
    """Whether it went: what comes too late to be of use does not."""
    notice, kind = delivery.notice, _kind(delivery)
    if kind is None or kind.is_over(notice.params, now):
        return False
    with override(notice.person.language):
        words = kind.words(notice.params)
        if delivery.channel == Channel.APPRISE:
            send_to_channels(notice, words)
        elif delivery.channel == Channel.SMS:
            send_sms(notice, words)
        else:
            mailer.send(notice, words)
    return True


def _kind(delivery: Delivery) -> Kind | None:
    """None: written by a version that knew more kinds."""
    try:
        return kind_of(delivery.notice.kind)
    except KeyError:
        return None


def _note_done(delivery: Delivery, status: Status, now: dt.datetime) -> None:
    mine = Delivery.objects.filter(pk=delivery.pk, status=Status.SENDING)
    mine.update(status=status, done_at=now, next_try_at=None, error="")


def _note_failure(delivery: Delivery, failure: NotSent, now: dt.datetime) -> None:
    if failure.is_final or delivery.attempts >= TRIES:
        _end(delivery, failure)
        return
    mine = Delivery.objects.filter(pk=delivery.pk, status=Status.SENDING)
    again_at = now + PAUSES[delivery.attempts - 1]
    mine.update(status=Status.QUEUED, next_try_at=again_at, error=failure.why[:200])


@transaction.atomic
def _end(delivery: Delivery, failure: NotSent) -> int:
    mine = Delivery.objects.filter(pk=delivery.pk, status=Status.SENDING)
    ended = mine.update(status=Status.FAILED, next_try_at=None, error=failure.why[:200])
    kind = _kind(delivery)
    if ended and kind is not None and kind.must_reach:
        call = Delivery(notice=delivery.notice, channel=Channel.CALL, status=Status.TO_CALL)
        Delivery.objects.bulk_create([call], ignore_conflicts=True)
    return ended
