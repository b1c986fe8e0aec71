"""What this app does with personal data beyond the declarations of its models."""

import datetime as dt

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db.models import Count, F, QuerySet
from django.db.models.functions import ExtractYear
from django.utils.translation import gettext_lazy as _

from fablab.lib import retention
from fablab.lib.personal_data import (
    Fate,
    Obstacle,
    PersonalData,
    declare_foreign,
    erases,
    refuses_erasure,
    sweeps,
)
from people.models import AgeBand, FileAccess, Household, Person, Role, Site, TeamMembership, Visit
from people.purposes import SIGN_IN, TRACE
from people.sign_out import end_sessions
from people.teams import leave_team

declare_foreign(
    {
        "account.EmailAddress": PersonalData(
            SIGN_IN,
            _("the e-mail address that signs in"),
            retention.ACCOUNT,
            subject="user",
            fate=Fate.DELETED,
            exported=("email", "verified", "primary"),
        ),
        "mfa.Authenticator": PersonalData(
            SIGN_IN,
            _("the second factor: a key or a code's secret"),
            retention.WITH_THE_FILE,
            subject="user",
            fate=Fate.DELETED,
            exported=("type", "created_at", "last_used_at"),
        ),
        "socialaccount.SocialAccount": PersonalData(
            SIGN_IN,
            _("an account elsewhere that signs in here, when the lab offers it"),
            retention.WITH_THE_FILE,
            subject="user",
            fate=Fate.DELETED,
            exported=("provider", "date_joined"),
        ),
        "sessions.Session": PersonalData(
            SIGN_IN, _("a mark in the browser of whoever is signed in"), retention.SESSION
        ),
        "admin.LogEntry": PersonalData(
            TRACE,
            _("what an administrator changed in the admin"),
            retention.ACCESS,
            clock="action_time",
            fate=Fate.DELETED,
            free_text=("object_repr", "change_message"),
        ),
    }
)

# The upper age of each band, in years.
_BANDS = (
    (11, AgeBand.UNDER_12),
    (17, AgeBand.FROM_12),
    (24, AgeBand.FROM_18),
    (39, AgeBand.FROM_25),
    (59, AgeBand.FROM_40),
    (69, AgeBand.FROM_60),
    (200, AgeBand.FROM_70),
)


@refuses_erasure
def somebody_must_stay_in_charge(person: Person, now: dt.datetime) -> list[Obstacle]:
    """The last administrator of a site, or the responsible adult of a minor, hands over first."""
    found = []
    without = [site.name for site in _sites_that_would_have_no_administrator(person)]
    if without:
        sentence = _("Nobody else administers %(sites)s. Make somebody else an administrator first.")
        found.append(Obstacle("last_administrator", sentence % {"sites": ", ".join(without)}))
    if Person.objects.filter(guardian=person, erased_at=None, birth_year__gt=now.year - 18).exists():
        found.append(
            Obstacle("responsible_adult", _("This is the responsible adult of a minor. Name another one first."))
        )
    return found


def _sites_that_would_have_no_administrator(person: Person) -> list[Site]:
    others = Person.objects.filter(is_active=True, erased_at=None).exclude(pk=person.pk)
    if not person.is_active or others.filter(is_superuser=True).exists():
        return []
    held = Site.objects.all()
    if not person.is_superuser:
        held = held.filter(role_grants__person=person, role_grants__role=Role.ADMINISTRATOR)
    served = Site.objects.filter(role_grants__person__in=others, role_grants__role=Role.ADMINISTRATOR)
    return list(held.exclude(pk__in=served))


@erases
def end_sessions_and_admin_notes(person: Person, now: dt.datetime) -> None:
    """They are signed in nowhere any more, and the admin's notes about their file go."""
    end_sessions(person=person, now=now)
    kind = ContentType.objects.get_for_model(Person)
    LogEntry.objects.filter(content_type=kind, object_id=str(person.pk)).delete()


@erases
def leave_teams(person: Person, now: dt.datetime) -> None:
    """A team of others finds another organiser."""
    for membership in TeamMembership.objects.filter(person=person).select_related("team"):
        leave_team(team=membership.team, person=person, now=now)


@erases
def keep_the_age_bands(person: Person, now: dt.datetime) -> None:
    """Visits keep an age band for the counts, and one that is open is closed."""
    visits = Visit.objects.filter(person=person)
    visits.filter(left_at=None, arrived_at__lte=now).update(left_at=now)
    _band(visits)


@erases
def leave_wards_and_household(person: Person, now: dt.datetime) -> None:
    """Adults who were their wards need nobody any more; a household without members goes."""
    # The table still asks for somebody's name where a minor was registered: a dash says that nobody is.
    Person.objects.filter(guardian=person).update(guardian=None, guardian_name="–")
    household = person.household
    Person.objects.filter(pk=person.pk).update(household=None)
    if household is not None and not household.members.exists():
        household.delete()


@sweeps("people.Visit: age bands of visits about to lose the person")
def keep_age_bands_of_old_visits(now: dt.datetime, is_dry: bool) -> int:
    rows = Visit.objects.filter(
        arrived_at__lt=retention.VISIT.cutoff(now), person__isnull=False, age_band=AgeBand.NOT_SAID
    )
    return rows.count() if is_dry else _band(rows)


@sweeps("people.FileAccess: names of who looked")
def forget_who_looked(now: dt.datetime, is_dry: bool) -> int:
    rows = FileAccess.objects.filter(at__lt=retention.ACCESS_NAMES.cutoff(now), by__isnull=False)
    return rows.count() if is_dry else rows.update(by=None)


@sweeps("sessions.Session")
def forget_ended_sessions(now: dt.datetime, is_dry: bool) -> int:
    rows = Session.objects.filter(expire_date__lt=now)
    return rows.count() if is_dry else rows.delete()[0]


@sweeps("people.Household: without members")
def forget_empty_households(now: dt.datetime, is_dry: bool) -> int:
    rows = Household.objects.alias(n=Count("members")).filter(n=0, created_at__lt=now - dt.timedelta(days=1))
    return (
        rows.count() if is_dry else Household.objects.filter(pk__in=list(rows.values_list("pk", flat=True))).delete()[0]
    )


def _band(visits: QuerySet[Visit]) -> int:
    """Fill the age band of visits whose person's year of birth is known; how many."""
    unknown = visits.filter(age_band=AgeBand.NOT_SAID).alias(age_y=ExtractYear("arrived_at") - F("person__birth_year"))
    done, least_y = 0, 0
    for most_y, band in _BANDS:
        done += unknown.filter(age_y__range=(least_y, most_y)).update(age_band=band)
        least_y = most_y + 1
    return done
