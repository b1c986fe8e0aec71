"""A team of the demo: the maker organises it, and reserves in its name."""

import datetime as dt

from people.models import Person, Site, Team, TeamMembership
from people.teams import create_team

NAME = "Repair café"
ORGANISER = "demo-maker"
MEMBERS = ("demo-newcomer", "demo-person-09", "demo-person-12")


def make_team(site: Site, *, now: dt.datetime) -> Team:
    """The team with its members; whoever visitors of the demo took out stays out."""
    known = Team.objects.filter(site=site, name=NAME).first()
    if known is not None:
        return known
    team = create_team(site=site, name=NAME, by=Person.objects.get(card_code=ORGANISER), now=now)
    members = Person.objects.filter(card_code__in=MEMBERS).order_by("card_code")
    TeamMembership.objects.bulk_create(TeamMembership(team=team, person=person, joined_at=now) for person in members)
    return team
