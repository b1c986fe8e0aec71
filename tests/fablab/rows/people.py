"""The team's pages about people, teams and kiosks, and the pages by which people without e-mail come in."""

from django.utils import timezone

from machines.models import QualificationGrant
from people.models import Person, Team
from people.teams import create_team, join_team, open_joining
from tests.api.lab import Lab
from tests.fablab.rows import kiosks
from tests.fablab.rows.row import ALL_405, MANAGERS, SIGNED_IN, TEAM, Row
from tests.factories import make_qualification

# Of people at another site, and of teams that one is not in, nobody learns that they exist.
THERE = "302 403 403 403 200 200 404 200 200"
THERE_DONE = "302 403 403 403 302 302 404 302 302"
THERE_INCOMPLETE = "302 403 403 403 400 400 404 400 400"
MANAGERS_THERE = "302 403 403 403 403 403 404 200 200"
MEMBERS = "302 404 200 404 200 200 404 200 200"
MEMBERS_DONE = "302 404 302 404 302 302 404 302 302"
FOUR_FIELDS = {"first_name": "Odile", "last_name": "Faure", "birth_year": "1948", "town": "Redon", "site": "{site}"}

ROWS: tuple[Row, ...] = (
    Row("people", TEAM, TEAM),
    Row("people", TEAM, TEAM, query="?q=quillfeath", variant="search"),
    Row("people", TEAM, TEAM, query="?here=1", variant="here"),
    Row("people-new", TEAM, "302 403 403 403 400 400 400 400 400"),
    Row("people-new", TEAM, "302 403 403 403 302 302 302 302 302", data=FOUR_FIELDS, variant="four fields"),
    Row("people-csv", MANAGERS, MANAGERS),
    Row("people-qualify", TEAM, "302 403 403 403 400 400 400 400 400"),
    Row("people-qualify", TEAM, "302 403 403 403 302 302 200 302 302", variant="somebody",
        data={"person": "{holder}", "qualification": "{training}", "level": "2", "lasts": "never"}),
    Row("people-person", THERE, THERE, ("{holder}",)),
    Row("people-edit", THERE, THERE_DONE, ("{holder}",), data={"first_name": "Z", "language": "en"}),
    Row("people-edit", THERE, THERE_INCOMPLETE, ("{boss}",), variant="of the team",
        data={"contact_email": "nobody@private.example", "language": "xx"}),
    Row("people-suspend", THERE, "302 403 403 403 302 302 404 302 302", ("{second}",), data={"reason": "Left it on"}),
    Row("people-role", MANAGERS_THERE, "302 403 403 403 403 403 404 302 302", ("{holder}",),
        data={"role": "mediator", "site": "{site}"}),
    Row("people-role", MANAGERS_THERE, "302 403 403 403 403 403 404 400 302", ("{holder}",),
        data={"role": "administrator", "site": "{site}"}, variant="administrator"),
    Row("people-card", THERE, THERE, ("{holder}",)),
    Row("people-card", "302 403 403 403 403 403 404 403 200", "302 403 403 403 403 403 404 403 200", ("{boss}",),
        variant="of the team"),
    Row("people-code", ALL_405, "302 403 403 403 200 200 404 200 200", ("{holder}",)),
    Row("people-code", ALL_405, "302 403 403 403 403 403 404 403 200", ("{boss}",), variant="of the team"),
    Row("people-email", THERE, THERE_DONE, ("{holder}",), data={"email": "new@private.example"}),
    Row("people-email", "302 403 403 403 403 403 404 403 200", "302 403 403 403 403 403 404 403 302", ("{boss}",),
        data={"email": "new@private.example"}, variant="of the team"),
    Row("people-household", THERE, THERE_DONE, ("{holder}",), data={"person": "{second}"}),
    Row("people-guardian", THERE, THERE_DONE, ("{holder}",), data={"person": "{second}"}),
    Row("people-act", ALL_405, THERE_DONE, ("{holder}", "revoke-qualification"), data={"grant": "{training_grant}"},
        variant="revoke"),
    Row("people-act", ALL_405, "302 403 403 403 404 404 404 404 404", ("{second}", "revoke-qualification"),
        data={"grant": "{training_grant}"}, variant="of another"),
    Row("people-act", ALL_405, THERE_DONE, ("{holder}", "lift-suspension"), variant="lift"),
    Row("people-act", ALL_405, THERE_DONE, ("{holder}", "take-role"), data={"grant": "{holder_role}"}, variant="role"),
    Row("people-act", ALL_405, THERE_DONE, ("{holder}", "leave-household"), variant="household"),
    Row("people-act", ALL_405, THERE_DONE, ("{holder}", "take-email"), variant="e-mail"),
    Row("people-act", ALL_405, THERE_DONE, ("{holder}", "new-card"), variant="card"),
    Row("people-act", ALL_405, THERE_DONE, ("{boss}", "new-second-key"), variant="second key"),
    Row("teams", SIGNED_IN, SIGNED_IN),
    Row("team-new", SIGNED_IN, "302 400 400 400 400 400 400 400 400"),
    Row("team-new", SIGNED_IN, "302 302 302 302 302 302 302 302 302", data={"name": "Kites", "site": "{site}"},
        variant="named"),
    Row("team", MEMBERS, MEMBERS, ("{owls}",)),
    Row("team-act", ALL_405, MEMBERS_DONE, ("{owls}", "rename"), data={"name": "Kites"}, variant="rename"),
    Row("team-act", ALL_405, MEMBERS_DONE, ("{owls}", "close-link"), variant="link"),
    Row("team-act", ALL_405, MEMBERS_DONE, ("{owls}", "leave"), variant="leave"),
    Row("team-join", "302 200 302 200 200 200 200 302 200", "302 302 302 302 302 302 302 302 302", ("{owls_link}",)),
    Row("team-join", "302 404 404 404 404 404 404 404 404", "302 404 404 404 404 404 404 404 404", ("NOSUCHCODE",),
        variant="unknown"),
    Row("manage-teams", TEAM, TEAM),
    Row("manage-team-archive", ALL_405, "302 403 403 403 302 302 403 302 302", ("{owls}", "archive")),
    Row("reserve-confirm", "302 400 200 400 400 400 400 200 400", "302 400 302 400 400 400 400 302 400",
        query="?machine={laser}&day={day}&start=10:00&end=11:00&team={owls}", variant="as a team",
        data={"machine": "{laser}", "day": "{day}", "start": "10:00", "end": "11:00", "team": "{owls}"}),
    *kiosks.ROWS,
)  # fmt: skip


def words(lab: Lab) -> dict[str, str]:
    """The holder is in a team whose link is open, and holds a qualification."""
    team = Team.objects.filter(name="Night owls").first() or _furnish(lab)
    holder, other, manager = (_named(lab, name) for name in ("holder", "other", "manager"))
    grant = QualificationGrant.objects.filter(person=holder).order_by("-pk")[0]
    return {
        "owls": team.slug, "owls_link": str(team.join_code), "training_grant": str(grant.pk), "second": other.reference,
        "training": str(grant.qualification_id), "boss": manager.reference,
        "holder_role": str(holder.role_grants.order_by("pk").values_list("pk", flat=True)[0]),
        **kiosks.words(lab),
    }  # fmt: skip


def _furnish(lab: Lab) -> Team:
    holder, manager, now = _named(lab, "holder"), _named(lab, "manager"), timezone.now()
    # The page to join names who invites, and the holder's names are those that may be read nowhere.
    team = create_team(site=lab.site, name="Night owls", by=manager, now=now)
    join_team(code=open_joining(team=team, by=manager), person=holder, now=now)
    QualificationGrant.objects.create(
        person=holder, qualification=make_qualification(), granted_at=now, granted_by=manager
    )
    return team


def _named(lab: Lab, name: str) -> Person:
    person = lab.people[name]
    assert person is not None
    return person
