"""Reads about qualifications."""

import datetime as dt

from dateutil.relativedelta import relativedelta

from machines.models import QualificationGrant
from people.models import Person, Site


def qualifications_of(person: Person, now: dt.datetime) -> list[QualificationGrant]:
    """What the person holds or held last, one line a qualification: the highest level that holds now, else the one
    that ended last. One query."""
    rows = QualificationGrant.objects.filter(person=person).select_related("qualification", "granted_by")
    best: dict[int, QualificationGrant] = {}
    for grant in rows.order_by("qualification__slug", "pk"):
        known = best.get(grant.qualification_id)
        if known is None or _weight(grant, now) > _weight(known, now):
            best[grant.qualification_id] = grant
    return list(best.values())


def _weight(grant: QualificationGrant, now: dt.datetime) -> tuple[bool, int, dt.datetime]:
    holds = grant.granted_at <= now and (grant.expires_at is None or grant.expires_at > now)
    return holds, grant.level if holds else 0, grant.expires_at or dt.datetime.max.replace(tzinfo=dt.UTC)


def end_of_day_in(site: Site, now: dt.datetime, *, years: int) -> dt.datetime:
    """The midnight that ends the same day of the year, so many years on, on the site's own clock."""
    return end_of_day(site, now.astimezone(site.zone).date() + relativedelta(years=years))


def end_of_day(site: Site, day: dt.date) -> dt.datetime:
    """The midnight that ends the day, on the site's own clock."""
    return dt.datetime.combine(day + dt.timedelta(days=1), dt.time(0), site.zone)
