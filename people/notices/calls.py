"""What the desk tells by telephone, because no other way was left."""

import datetime as dt

from django.db.models import F, QuerySet

from people.models import Delivery, Person, Site
from people.notices.kinds import kinds

Status = Delivery.Status


def calls_waiting(*, site: Site, now: dt.datetime) -> QuerySet[Delivery]:
    """Who of the site has to be told something by telephone, those who wait longest first. What is over by now is
    left to the sweep."""
    return (
        Delivery.objects.filter(status=Status.TO_CALL, notice__site=site, notice__due_at__lte=now)
        .filter(notice__kind__in=[kind.code for kind in kinds()])
        .select_related("notice__person__guardian")
        .order_by("attempts", "notice__due_at", "pk")
    )


def note_called(*, delivery: Delivery, by: Person, now: dt.datetime) -> bool:
    """They were told; whether that is news: two people at the desk may have called at once."""
    told = Delivery.objects.filter(pk=delivery.pk, status=Status.TO_CALL)
    return bool(told.update(status=Status.CALLED, done_at=now, done_by=by, attempts=F("attempts") + 1))


def note_not_reached(*, delivery: Delivery) -> bool:
    """Nobody answered: it stays on the list, after those who were not called yet."""
    tried = Delivery.objects.filter(pk=delivery.pk, status=Status.TO_CALL, attempts__lt=99)
    return bool(tried.update(attempts=F("attempts") + 1))


def drop_calls_that_are_over(*, now: dt.datetime) -> int:
    """What nobody needs to be told any more leaves the list; how many."""
    waiting = Delivery.objects.filter(status=Status.TO_CALL).select_related("notice")
    known = {kind.code: kind for kind in kinds()}
    over = [
        row.pk
        for row in waiting[:2000]
        if row.notice.kind not in known or known[row.notice.kind].is_over(row.notice.params, now)
    ]
    return Delivery.objects.filter(pk__in=over, status=Status.TO_CALL).update(status=Status.DROPPED, done_at=now)
