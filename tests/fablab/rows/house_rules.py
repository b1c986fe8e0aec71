"""Rules to sign, inductions, and why somebody cannot reserve."""

from django.utils import timezone

from machines.models import HouseRules, InductionRequest, Machine
from tests.api.lab import Lab
from tests.fablab.rows.row import ALL_302, ALL_405, MANAGERS, MANAGERS_THERE, SIGNED_IN, TEAM, Row
from tests.factories import make_machine, make_qualification

FILES = "302 403 403 403 200 200 404 200 200"
FILES_DONE = "302 403 403 403 302 302 404 302 302"
MANAGERS_DONE = "302 403 403 403 403 403 403 302 302"
ANSWERED = "302 403 403 403 302 302 403 302 302"

TEXTS = {"text_fr": "Fermez le capot.", "text_en": "Close the lid."}
NAMED = "wanted-plotter"

ROWS: tuple[Row, ...] = (
    Row("me-rules", SIGNED_IN, SIGNED_IN),
    Row("me-rules-sign", SIGNED_IN, ALL_302, ("{rules}",)),
    Row("people-rules", FILES, FILES, ("{holder}",)),
    Row("people-rules-sign", ALL_405, FILES_DONE, ("{holder}", "{rules}")),
    Row("rules-to-sign", MANAGERS, MANAGERS),
    Row("rules-to-sign-site", MANAGERS_THERE, MANAGERS_DONE, ("{site}",), data=TEXTS),
    Row("rules-to-sign-site", MANAGERS_THERE, MANAGERS_THERE, ("{site}",), data=TEXTS | {"preview": "1"},
        variant="seen first"),
    Row("rules-to-sign-machine", MANAGERS_THERE, MANAGERS_DONE, ("{plotter}",), data=TEXTS),
    Row("rules-to-sign-withdraw", ALL_405, MANAGERS_DONE, ("machines", "{plotter}")),
    Row("induction-ask", SIGNED_IN, ALL_302, ("{plotter}",)),
    Row("manage-inductions", TEAM, TEAM),
    Row("manage-induction-answer", ALL_405, ANSWERED, ("{induction}", "grant"), data={"level": "2", "lasts": "2"},
        variant="grant"),
    Row("manage-induction-answer", ALL_405, ANSWERED, ("{induction}", "close"), data={"words": "On Thursday"},
        variant="close"),
    Row("manage-why", TEAM, TEAM),
    Row("manage-why", FILES, FILES, query="?person={holder}&machine={laser}&day={day}&start=10:00&end=11:00",
        variant="about somebody"),
)  # fmt: skip


def words(lab: Lab) -> dict[str, str]:
    """A machine that nobody of the table reserves, with rules to sign and a qualification that the holder asks for."""
    now = timezone.now()
    plotter = Machine.objects.filter(name=NAMED).first()
    if plotter is None:
        plotter = make_machine(site=lab.site, name=NAMED, qualification=make_qualification())
        HouseRules.objects.create(machine=plotter, version=1, text_fr="Oui", text_en="Yes", published_at=now)
        InductionRequest.objects.create(
            person=lab.people["holder"], qualification=plotter.qualification, site=lab.site, asked_at=now
        )
    rules = HouseRules.objects.get(machine=plotter)
    request = InductionRequest.objects.get(qualification=plotter.qualification)
    return {"plotter": plotter.slug, "rules": str(rules.pk), "induction": str(request.pk)}
