"""What every page's foot leads to, and what each person may do with their own data."""

from people.models import Person
from tests.api.lab import Lab
from tests.fablab.rows.row import ALL_200, ALL_405, SIGNED_IN, SIGNED_IN_405, TEAM, Row
from tests.factories import make_person

ROWS: tuple[Row, ...] = (
    Row("privacy", ALL_200, ALL_200),
    Row("privacy-register", TEAM, TEAM),
    Row("privacy-leaving", TEAM, TEAM),
    Row("legal", ALL_200, ALL_200),
    Row("accessibility", ALL_200, ALL_200),
    Row("contact", ALL_200, ALL_200),
    Row("help", ALL_200, ALL_405),
    Row("help-page", ALL_200, ALL_405, args=("first-day",)),
    Row("help-picture", ALL_200, ALL_405, args=("desk-en.png",)),
    Row("mqtt-docs", ALL_200, ALL_405),
    Row("mqtt-asyncapi", ALL_200, ALL_405),
    Row("mqtt-schema", ALL_200, ALL_405),
    Row("me-data", SIGNED_IN, SIGNED_IN),
    Row("me-data-export", SIGNED_IN_405, SIGNED_IN),
    # A wrong password is a mistake in the form.
    Row("me-data-erase", SIGNED_IN, "302 400 400 400 400 400 400 400 400", data={"proof": "wrong"}),
    Row("people-export", ALL_405, "302 403 403 403 403 403 404 200 200",
        args=("{holder}",)),
    Row("people-erase", "302 403 403 403 403 403 404 200 200", "302 403 403 403 403 403 404 409 409",
        args=("{holder}",), data={"name": "Zorobabel Quillfeather"}, variant="running"),
    Row("people-erase", "302 403 403 403 403 403 404 200 200", "302 403 403 403 403 403 404 302 302",
        args=("{other}",), data={"name": "{other_name}"}),
)  # fmt: skip


def words(lab: Lab) -> dict[str, str]:
    """What the rows' addresses and forms are filled with, beside the words of tests/fablab/test_access.py."""
    other = lab.people["other"]
    assert other is not None
    # Else the administrator would be the last one, who has to hand over before anything else.
    if not Person.objects.filter(card_code="SECOND-BOSS").exists():
        make_person(card_code="SECOND-BOSS", is_superuser=True)
    return {"other": other.reference, "other_name": str(other)}
