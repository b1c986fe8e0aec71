"""Writes about teams. People join by a link that an organiser gives them: nobody is ever searched for."""

import datetime as dt

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from fablab.lib.references import new_reference
from people.errors import NotAllowed, WrongState, not_valid
from people.locking import locked_person
from people.models import Person, Site, Team, TeamMembership
from people.permissions import is_staff
from people.services import free_slug

JOIN_CODE_LENGTH = 20
# Pages of their own beside those of the teams.
RESERVED_SLUGS = {"new", "join"}


def may_organise(person: Person, team: Team) -> bool:
    """Organisers, and the site's own team."""
    return bool(
        is_staff(person, team) or TeamMembership.objects.filter(team=team, person=person, is_organiser=True).exists()
    )


def is_member(team: Team, person: Person) -> bool:
    """Whether the person is in the team, and the team is not archived."""
    return team.archived_at is None and TeamMembership.objects.filter(team=team, person=person).exists()


def create_team(*, site: Site, name: str, by: Person, now: dt.datetime) -> Team:
    """A team whose organiser and first member is `by`.

    Raises:
        NotValid: no name, or one that is too long.
        WrongState: `person_is_gone`.
    """
    try:
        return _insert_team(site, name, by, now)
    except IntegrityError:
        # Somebody took the short name at this very moment.
        return _insert_team(site, name, by, now)


@transaction.atomic
def _insert_team(site: Site, name: str, by: Person, now: dt.datetime) -> Team:
    locked_person(by.pk)
    taken = {*RESERVED_SLUGS, *Team.objects.values_list("slug", flat=True)}
    team = Team(site=site, name=name.strip(), slug=free_slug(name, taken, most=80))
    _check(team)
    team.save(force_insert=True)
    TeamMembership.objects.create(team=team, person=by, is_organiser=True, joined_at=now)
    return team


def rename_team(*, team: Team, name: str, by: Person) -> Team:
    """Another name; the address stays, since programs and links know the team by it.

    Raises:
        NotAllowed: `not_organiser`.
        NotValid: no name, or one that is too long.
    """
    _check_organises(by, team)
    team.name = name.strip()
    _check(team)
    team.save(update_fields=["name"])
    return team


def open_joining(*, team: Team, by: Person) -> str:
    """A new link's code: whoever has it may join. The one before stops working.

    Raises:
        NotAllowed: `not_organiser`.
        WrongState: `archived`.
    """
    _check_organises(by, team)
    _check_is_active(team)
    team.join_code = new_reference(JOIN_CODE_LENGTH)
    team.save(update_fields=["join_code"])
    return team.join_code


def close_joining(*, team: Team, by: Person) -> None:
    """The link stops working. Members stay.

    Raises:
        NotAllowed: `not_organiser`.
    """
    _check_organises(by, team)
    team.join_code = None
    team.save(update_fields=["join_code"])


def join_team(*, code: str, person: Person, now: dt.datetime) -> Team:
    """Become a member by the link's code; joined twice, nothing changes.

    Raises:
        WrongState: `link_over`: no team has this link (any more); `person_is_gone`.
    """
    with transaction.atomic():
        # The person first: an erasure, too, locks them and then their teams.
        locked_person(person.pk)
        team = Team.objects.select_for_update(of=("self",)).filter(join_code=code, archived_at=None).first()
        if team is None or not code:
            raise WrongState("link_over", _("This link no longer works. Ask the person who sent it for a new one."))
        TeamMembership.objects.get_or_create(team=team, person=person, defaults={"joined_at": now})
    return team


def leave_team(*, team: Team, person: Person, now: dt.datetime) -> None:
    """Stop being a member. When no organiser is left, who has been a member longest becomes one; when nobody is
    left, the team is archived, since what it reserved still names it."""
    with transaction.atomic():
        fresh = Team.objects.select_for_update(of=("self",)).get(pk=team.pk)
        TeamMembership.objects.filter(team=fresh, person=person).delete()
        left = TeamMembership.objects.filter(team=fresh)
        if not left.filter(is_organiser=True).exists():
            heir = left.order_by("joined_at", "pk").first()
            if heir is None:
                _archive(fresh, now)
            else:
                heir.is_organiser = True
                heir.save(update_fields=["is_organiser"])


def remove_member(*, membership: TeamMembership, by: Person, now: dt.datetime) -> None:
    """Take somebody out of the team.

    Raises:
        NotAllowed: `not_organiser`.
    """
    _check_organises(by, membership.team)
    leave_team(team=membership.team, person=membership.person, now=now)


def make_organiser(*, membership: TeamMembership, by: Person) -> None:
    """Let a member invite and remove too.

    Raises:
        NotAllowed: `not_organiser`.
    """
    _check_organises(by, membership.team)
    membership.is_organiser = True
    membership.save(update_fields=["is_organiser"])


def archive_team(*, team: Team, by: Person, now: dt.datetime) -> None:
    """Nobody reserves as it or joins it any more; what it did stays. Done by the site's own team.

    Raises:
        NotAllowed: `not_of_the_site`.
    """
    _check_is_of_the_site(by, team)
    _archive(team, now)


def restore_team(*, team: Team, by: Person) -> None:
    """The team is as it was, without its link.

    Raises:
        NotAllowed: `not_of_the_site`.
    """
    _check_is_of_the_site(by, team)
    team.archived_at = None
    team.save(update_fields=["archived_at"])


def _archive(team: Team, now: dt.datetime) -> None:
    team.archived_at, team.join_code = now, None
    team.save(update_fields=["archived_at", "join_code"])


def _check(team: Team) -> None:
    try:
        team.full_clean()
    except ValidationError as error:
        raise not_valid(error, team) from error


def _check_organises(by: Person, team: Team) -> None:
    if not may_organise(by, team):
        raise NotAllowed("not_organiser", _("Only the team's organisers may do this. Ask one of them."))


def _check_is_active(team: Team) -> None:
    if team.archived_at is not None:
        raise WrongState("archived", _("This team is archived. The place's own team can bring it back."))


def _check_is_of_the_site(by: Person, team: Team) -> None:
    if not is_staff(by, team):
        raise NotAllowed("not_of_the_site", _("Only the team of that place may do this."))
