"""Writes of the first day: what each answer makes, or changes when the question is answered again."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence

from allauth.account.models import EmailAddress
from django.db import transaction
from django.db.models.deletion import ProtectedError
from django.utils.translation import gettext_lazy as _

from fablab.first_run.progress import has_administrator, team_of, the_site
from machines.opening import Range
from machines.services import set_weekly_hours, tell_opening_changed
from people.errors import NotValid, WrongState
from people.handed_out import hand_out_password
from people.lab import lab_for_change, save_lab
from people.models import Person, RoleGrant, Site
from people.services import grant_role, register_person, revoke_role, update_person
from people.settings_services import open_site, update_site
from people.sign_in import give_email_sign_in
from reservations.closures import refit_blocked

# Said on the page: from Tuesday to Saturday, as most such places are.
USUAL_WEEK: Mapping[int, Sequence[Range]] = {day: [(dt.time(10), dt.time(18))] for day in range(2, 7)}


@transaction.atomic
def make_administrator(
    *, first_name: str, last_name: str, email: str, password: str, language: str, now: dt.datetime
) -> Person:
    """The first person, who may do everything; with an e-mail address, or else signing in with the card's code.

    Raises:
        WrongState: `claimed`: somebody else was faster.
        NotValid: what was written cannot be kept.
    """
    # The row's lock: of two who press the button at once, one becomes the administrator.
    lab_for_change()
    if has_administrator():
        raise WrongState("claimed", _("This lab has its administrator already. Ask them to let you in."))
    person = register_person(
        first_name=first_name, last_name=last_name, by=None, now=now, contact_email=email, language=language
    )
    person.is_staff = person.is_superuser = True
    person.set_password(password)
    person.save(update_fields=["is_staff", "is_superuser", "password"])
    _set_login_email(person, email, person, now)
    return person


@transaction.atomic
def change_administrator(
    *, person: Person, first_name: str, last_name: str, email: str, password: str, now: dt.datetime
) -> Person:
    """Another name, address or password of the first administrator; an empty password stays as it is.

    Raises:
        NotValid: what was written cannot be kept.
    """
    fresh = update_person(
        person=person, by=person, now=now, first_name=first_name, last_name=last_name, contact_email=email
    )
    if password:
        fresh.set_password(password)
        fresh.save(update_fields=["password"])
    _set_login_email(fresh, email, fresh, now)
    return fresh


def _set_login_email(person: Person, email: str, by: Person, now: dt.datetime) -> None:
    """The one address that the person signs in with, or none."""
    if email:
        give_email_sign_in(person=person, email=email, by=by, now=now)
    else:
        EmailAddress.objects.filter(user=person).delete()


@transaction.atomic
def set_place(*, name: str, address: str, holiday_country: str, time_zone: str, by: Person, now: dt.datetime) -> Site:
    """The site, which is the lab's name too. The first time, `by` becomes its administrator.

    Raises:
        NotValid, ValidationError: what was written cannot be kept.
    """
    lab = lab_for_change()
    fields = {
        "name": name.strip(),
        "address": address.strip(),
        "holiday_country": holiday_country,
        "time_zone": time_zone,
    }
    site = the_site()
    if site is None:
        site = open_site(by=by, now=now, **fields)
    else:
        update_site(site=site, by=by, **fields)
        _refit(site, now)
    lab.name = site.name
    save_lab(lab)
    return site


def _refit(site: Site, now: dt.datetime) -> None:
    """Somebody may have reserved already, in another browser: what is held follows the new hours."""
    tell_opening_changed(site)
    refit_blocked(site=site, now=now)


@transaction.atomic
def set_hours(
    *, site: Site, days: Collection[int], opens: dt.time, closes: dt.time, by: Person, now: dt.datetime
) -> None:
    """The same hours on each of these ISO weekdays, and closed on the others.

    Raises:
        ValidationError: it closes before it opens.
    """
    set_weekly_hours(site=site, ranges={day: [(opens, closes)] for day in days}, by=by, now=now)
    _refit(site, now)


@transaction.atomic
def set_usual_hours(*, site: Site, by: Person, now: dt.datetime) -> None:
    """What most places have, for whoever does not know yet."""
    set_weekly_hours(site=site, ranges=USUAL_WEEK, by=by, now=now)
    _refit(site, now)


@transaction.atomic
def add_team_member(
    *, site: Site, first_name: str, last_name: str, email: str, role: str, by: Person, now: dt.datetime
) -> Person:
    """Somebody of the team, who cannot sign in before they have been given a password: see `hand_out_passwords`.

    Raises:
        NotValid: a name is missing, or somebody of this name is on the list.
        NotAllowed: the role is not theirs to give.
    """
    Site.objects.select_for_update(no_key=True).get(pk=site.pk)
    _check_name_is_new(f"{first_name} {last_name}", team_of(site, by))
    person = register_person(
        first_name=first_name, last_name=last_name, by=by, now=now, site=site, contact_email=email,
        language=by.language,
    )  # fmt: skip
    _set_login_email(person, email, by, now)
    grant_role(person=person, site=site, role=role, by=by, now=now)
    return person


@transaction.atomic
def change_team_member(
    *, grant: RoleGrant, first_name: str, last_name: str, email: str, role: str, by: Person, now: dt.datetime
) -> Person:
    """Another name, address or role of somebody on the list.

    Raises:
        NotValid: as for somebody new.
        NotAllowed: the role is not theirs to give.
    """
    site = Site.objects.select_for_update(no_key=True).get(pk=grant.site_id)
    others = [other for other in team_of(site, by) if other.person_id != grant.person_id]
    _check_name_is_new(f"{first_name} {last_name}", others)
    person = update_person(
        person=grant.person, by=by, now=now, first_name=first_name, last_name=last_name, contact_email=email
    )
    _set_login_email(person, email, by, now)
    if role != grant.role:
        grant_role(person=person, site=site, role=role, by=by, now=now)
        revoke_role(grant=grant, by=by, now=now)
    return person


def _check_name_is_new(name: str, others: Iterable[RoleGrant]) -> None:
    if any(grant.person.get_full_name().casefold() == name.strip().casefold() for grant in others):
        raise NotValid("on_the_list", _("Somebody of this name is on the list already."), "first_name")


@transaction.atomic
def remove_team_member(*, grant: RoleGrant, by: Person, now: dt.datetime) -> None:
    """Take somebody off the list again: the role, and their file when they have not been here yet.

    Raises:
        WrongState: they are the last administrator.
    """
    person = grant.person
    revoke_role(grant=grant, by=by, now=now)
    if person.last_login is not None or person.registered_by_id != by.pk:
        return
    try:
        with transaction.atomic():
            person.delete()
    except ProtectedError:
        # Something is theirs already, such as a reservation: the file stays with it.
        return


@transaction.atomic
def hand_out_passwords(*, site: Site, by: Person) -> list[tuple[RoleGrant, str]]:
    """A first password for each of the team who has not signed in yet; earlier ones stop working."""
    waiting = [grant for grant in team_of(site, by) if grant.person.last_login is None]
    return [(grant, hand_out_password(grant.person)) for grant in waiting]


@transaction.atomic
def finish(*, by: Person, now: dt.datetime) -> None:
    """The questions have been answered: from now on they are asked no more."""
    lab = lab_for_change()
    lab.set_up_at = lab.set_up_at or now
    save_lab(lab)
