"""Who is here: people come through the door and leave again."""

import datetime as dt

from django.db import transaction

from people.locking import locked_person
from people.models import STAFF_ROLES, AgeBand, Person, RoleGrant, Site, Visit

# Somebody whom nobody saw leave has left by then.
LONGEST_STAY = dt.timedelta(hours=14)


def arrive(*, site: Site, person: Person, by: Person | None, now: dt.datetime) -> Visit:
    """A known person is here. Arriving twice is once.

    Raises:
        WrongState: `person_is_gone`.
    """
    with transaction.atomic():
        # The person's row first, so that two tablets at one desk do not both write a visit.
        locked_person(person.pk)
        known = Visit.objects.present().filter(site=site, person=person).first()
        if known is not None:
            return known
        Person.objects.filter(pk=person.pk).update(last_seen_at=now)
        return Visit.objects.create(site=site, person=person, arrived_at=now, recorded_by=by)


def arrive_unnamed(
    *, site: Site, headcount: int, by: Person | None, now: dt.datetime, age_band: str = AgeBand.NOT_SAID
) -> Visit:
    """One or more people who gave no name are here."""
    return Visit.objects.create(site=site, headcount=headcount, age_band=age_band, arrived_at=now, recorded_by=by)


def leave(*, visit: Visit, now: dt.datetime) -> Visit:
    """They left. Leaving twice keeps the first time."""
    Visit.objects.present().filter(pk=visit.pk).update(left_at=max(now, visit.arrived_at))
    visit.refresh_from_db()
    return visit


def come_back(*, visit: Visit, now: dt.datetime) -> Visit:
    """Undo a leaving; somebody who has arrived anew meanwhile stays as they are.

    Raises:
        WrongState: `person_is_gone`.
    """
    with transaction.atomic():
        if visit.person_id:
            # As on arriving: two visits of one person must not both be open.
            locked_person(visit.person_id)
        is_here = visit.person_id and Visit.objects.present().filter(site=visit.site, person=visit.person).exists()
        if not is_here:
            Visit.objects.filter(pk=visit.pk).update(left_at=None)
    visit.refresh_from_db()
    return visit


def is_team_present(*, site: Site, now: dt.datetime) -> bool:
    """Whether somebody of the site's team is checked in here. Whom nobody saw leave has left by then. One query."""
    team = RoleGrant.objects.filter(site=site, role__in=STAFF_ROLES).values("person")
    here = Visit.objects.present().filter(site=site, arrived_at__gt=now - LONGEST_STAY)
    return here.filter(person__in=team, person__is_active=True).exists()


def end_forgotten_visits(*, now: dt.datetime) -> int:
    """Close the visits that nobody closed; how many. How long they lasted is not known: they count as moments."""
    forgotten = Visit.objects.present().filter(arrived_at__lt=now - LONGEST_STAY)
    ended = 0
    for visit in forgotten[:500]:
        ended += Visit.objects.present().filter(pk=visit.pk).update(left_at=visit.arrived_at)
    return ended
