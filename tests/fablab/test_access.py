"""Every address × every role × reading and writing, in one table; and nothing private where it does not belong."""

from collections.abc import Iterator
from copy import deepcopy

import pytest
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from pytest_django import DjangoDbBlocker

from fablab.board import board_events
from tests.api.lab import ROLES, Lab, make_lab, make_token, slot
from tests.fablab.rows import (
    about,
    address,
    at_machine,
    calendars,
    credits,
    desk,
    devices,
    find,
    first_run,
    house_rules,
    life,
    loans,
    notices,
    opening,
    people,
    prints,
    programs,
    rules,
    series,
    settings,
    spools,
    teams,
    timeline,
)
from tests.fablab.rows.row import (
    ALL_200,
    ALL_302,
    ALL_404,
    ALL_405,
    OWN,
    OWN_DONE,
    SIGNED_IN,
    SIGNED_IN_405,
    TEAM,
    TEAM_THERE,
    Row,
)

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

# Pages of allauth and of Django's admin: theirs to test, under these prefixes.
OTHERS_PREFIXES = ("accounts/", "admin/")
BINARY = ("application/pdf", "application/zip", "image/")
AREAS = (
    about, address, calendars, credits, desk, devices, at_machine, find, first_run, house_rules, life, loans, notices,
    opening, people, prints, programs, rules, series, settings, spools, teams, timeline,
)  # fmt: skip

API_405 = "401 405 405 405 405 405 405 405 405"
API_SIGNED_IN = "401 200 200 200 200 200 200 200 200"
API_CREATED = "401 201 201 201 201 201 201 201 201"
API_OWN = "401 404 200 404 200 200 404 200 200"
API_OWN_WRONG_STATE = "401 404 409 404 409 409 404 409 409"
API_400 = "401 400 400 400 400 400 400 400 400"


SLOT_FORM = {"machine": "{laser}", "day": "{day}", "start": "10:00", "end": "11:00"}
SLOT_JSON = {"machine": "{laser}", "start": "{start}", "end": "{end}"}
TABLE: tuple[Row, ...] = (
    Row("home", ALL_200, ALL_200),
    Row("machines", ALL_200, ALL_200),
    Row("machine", ALL_200, ALL_200, ("{printer}",)),
    Row("machine-photo", ALL_404, ALL_404, ("{printer}",)),
    Row("reserve", ALL_200, ALL_200),
    Row("reserve", ALL_200, ALL_200, query="?machine={laser}", variant="slots"),
    Row("reserve", "404 404 200 404 200 200 404 200 200", "404 404 200 404 200 200 404 200 200",
        query="?machine={laser}&moving={coming}", variant="moving"),
    Row("reserve-confirm", SIGNED_IN, "302 302 302 302 302 302 302 302 302", data=SLOT_FORM,
        query="?machine={laser}&day={day}&start=10:00&end=11:00"),
    Row("reserve-confirm", OWN, OWN_DONE, data=SLOT_FORM | {"moving": "{coming}"}, variant="moving",
        query="?machine={laser}&day={day}&start=10:00&end=11:00&moving={coming}"),
    Row("reservation", OWN, OWN, ("{running}",)),
    Row("reservation-action", SIGNED_IN_405, OWN_DONE, ("{coming}", "cancel"), variant="cancel"),
    Row("reservation-action", SIGNED_IN_405, OWN_DONE, ("{coming}", "check-in"), variant="check-in"),
    Row("reservation-action", SIGNED_IN_405, OWN_DONE, ("{running}", "finish"), variant="finish"),
    Row("print-upload", SIGNED_IN, "302 400 400 400 400 400 400 400 400", ("{printer}",)),
    Row("me", SIGNED_IN, SIGNED_IN),
    Row("second-factor", SIGNED_IN, SIGNED_IN),
    Row("tokens", SIGNED_IN, SIGNED_IN),
    Row("token-revoke", SIGNED_IN_405, "302 302 302 302 302 302 302 302 302", ("{token}",)),
    Row("board", ALL_200, ALL_200),
    Row("manage", TEAM, TEAM),
    Row("manage-devices", TEAM, TEAM),
    Row("manage-device", TEAM_THERE, TEAM_THERE, ("{device}",)),
    Row("manage-device-code", ALL_405, "302 403 403 403 403 403 403 302 302", ("{device}",)),
    Row("manage-reservations", TEAM, TEAM),
    Row("manage-machines", TEAM, TEAM),
    Row("manage-bed-clear", ALL_405, "302 403 403 403 302 302 403 302 302", ("{printer}",)),
    Row("set_language", ALL_302, ALL_302),
    Row("api-machines", ALL_200, API_405),
    Row("api-machine", ALL_200, API_405, ("{printer}",)),
    Row("api-machine-calendar", ALL_200, API_405, ("{printer}",)),
    Row("api-calendar", ALL_200, API_405),
    Row("api-availability", ALL_200, API_405),
    Row("api-reservations", API_SIGNED_IN, API_CREATED, data=SLOT_JSON),
    Row("api-reservations", API_SIGNED_IN, "401 403 201 403 201 201 403 201 201", variant="for another",
        data=SLOT_JSON | {"for": "{holder}"}),
    Row("api-reservation", API_OWN, API_405, ("{running}",)),
    Row("api-reservation-cancel", API_405, API_OWN, ("{coming}",)),
    Row("api-reservation-check-in", API_405, API_OWN_WRONG_STATE, ("{coming}",)),
    Row("api-reservation-finish", API_405, API_OWN, ("{running}",)),
    Row("api-usage-sessions", API_SIGNED_IN, API_405),
    Row("api-devices", "401 403 403 403 403 403 200 200 200", API_405),
    Row("api-enrol", ALL_405, "400 400 400 400 400 400 400 400 400"),
    Row("api-print-jobs", API_SIGNED_IN, "401 415 415 415 415 415 415 415 415"),
    Row("api-print-job", API_OWN, API_405, ("{job}",)),
    Row("api-print-job-action", API_405, API_OWN, ("{job}", "pause")),
    Row("api-schema", ALL_200, ALL_405),
    Row("api-docs", ALL_200, ALL_200),
    Row("healthz", ALL_200, ALL_200),
    # No worker and no broker run beside these tests.
    Row("readyz", "503 503 503 503 503 503 503 503 503", "503 503 503 503 503 503 503 503 503"),
    *(row for area in AREAS for row in area.ROWS),
)  # fmt: skip

# PATCH moves a reservation, and is refused everywhere else like any other method.
MOVES = {
    "anonymous": 401, "visitor": 404, "holder": 200, "other": 404, "supervisor": 200, "mediator": 200,
    "elsewhere": 404, "manager": 200, "administrator": 200,
}  # fmt: skip


@pytest.fixture(scope="module")
def whole_lab(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Lab]:
    """One lab for all rows, in a transaction around theirs, which is rolled back at the end."""
    with django_db_blocker.unblock(), transaction.atomic():
        lab = make_lab()
        words_of(lab)
        yield lab
        transaction.set_rollback(True)


@pytest.fixture
def lab(whole_lab: Lab, db: None) -> Lab:
    """To be changed at will: each test has copies of the rows, and what it writes is rolled back."""
    prints.look_through_cameras()
    return deepcopy(whole_lab)


def words_of(lab: Lab) -> dict[str, str]:
    """What addresses and forms are filled with. The areas make rows for it, hence once for each lab."""
    if not lab.words:
        lab.words.update(new_words(lab))
    return lab.words


def new_words(lab: Lab) -> dict[str, str]:
    start, end = slot()
    return {
        "printer": lab.printer_machine.slug, "laser": lab.laser.slug, "device": lab.device.slug,
        "running": lab.running.reference, "coming": lab.coming.reference, "job": lab.job.reference,
        "token": lab.token.token_key, "administrator": lab.people["administrator"].reference,
        "start": start, "end": end, "day": start[:10], "site": lab.site.slug,
        "holder": lab.people["holder"].reference,
        **{word: value for area in AREAS for word, value in area.words(lab).items()},
    }  # fmt: skip


def url_of(row: Row, lab: Lab) -> str:
    words = words_of(lab)
    return reverse(row.name, args=[arg.format(**words) for arg in row.args]) + row.query.format(**words)


def answers(row: Row, lab: Lab, method: str) -> str:
    """The status for each of ROLES, in their order; what one of them changed, the next does not see."""
    words, found = words_of(lab), []
    filled = {name.format(**words): value.format(**words) for name, value in row.data.items()}
    data = filled if method == "post" else None
    url = url_of(row, lab) if method == "get" else url_of(row, lab).partition("?")[0] + row_query(row, lab)
    json = {"content_type": "application/json"} if "/api/" in url and method == "post" else {}
    for role in ROLES:
        with transaction.atomic():
            response = getattr(lab.client(role), method)(url, data, **json)
            found.append(str(response.status_code))
            if response.streaming:
                # Read to its end, a file is closed.
                list(response.streaming_content)
            transaction.set_rollback(True)
    return " ".join(found)


def row_query(row: Row, lab: Lab) -> str:
    """A form that carries its own fields needs none in its address."""
    return "" if row.data else row.query.format(**words_of(lab))


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.name} {row.variant}".strip())
def test_address_answers_each_role(lab: Lab, row: Row) -> None:
    found = {"get": answers(row, lab, "get"), "post": answers(row, lab, "post")}

    assert found == {"get": row.get, "post": row.post}


def own_names(patterns: list, prefix: str = "") -> Iterator[str]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if path.startswith(OTHERS_PREFIXES):
            continue
        if isinstance(pattern, URLResolver):
            yield from own_names(pattern.url_patterns, path)
        else:
            assert isinstance(pattern, URLPattern)
            yield pattern.name or f"unnamed: {path}"


def test_table_names_every_address() -> None:
    named = set(own_names(get_resolver().url_patterns))

    assert {row.name for row in TABLE} == named


@pytest.mark.parametrize("role", ROLES)
def test_admin_opens_for_administrators_only(lab: Lab, role: str) -> None:
    response = lab.client(role).get("/admin/")

    assert response.status_code == (200 if role == "administrator" else 302)


@pytest.mark.parametrize("role", ROLES)
def test_moving_by_api_is_for_the_holder_and_the_team(lab: Lab, role: str) -> None:
    start, end = slot()
    url = reverse("api-reservation", args=[lab.coming.reference])

    response = lab.client(role).patch(url, {"start": start, "end": end}, content_type="application/json")

    assert response.status_code == MOVES[role]


def texts_read_by(lab: Lab, role: str) -> dict[str, str]:
    """Everything that somebody of this role is shown, by address."""
    found = {}
    client = lab.client(role)
    for row in TABLE:
        url = url_of(row, lab)
        response = client.get(url)
        body = b"".join(response.streaming_content) if response.streaming else response.content
        # A document's letters are compressed: its door is in the table, its words have a test of their own.
        shown = "" if response.headers.get("Content-Type", "").startswith(BINARY) else body.decode()
        # The address itself may be repeated in a link back to it.
        for arg in row.args:
            shown = shown.replace(arg.format(**words_of(lab)), "")
        if row.variant != "moving" and response.status_code == 200:
            found[f"{row.name} {url}"] = shown
    found |= {f"tiles in {language}": board_events(None, language) for language in ("fr", "en")}
    return found


@pytest.mark.parametrize("role", ["anonymous", "visitor", "other", "elsewhere"])
def test_nothing_private_is_shown(lab: Lab, role: str) -> None:
    texts = texts_read_by(lab, role)

    leaks = [(place, word) for place, text in texts.items() for word in lab.private_words if word in text]

    assert leaks == []
    assert len(texts) > 15


def test_private_words_are_there_to_leak(lab: Lab) -> None:
    texts = "".join([*texts_read_by(lab, "holder").values(), *texts_read_by(lab, "manager").values()])

    missing = [word for word in lab.private_words if word not in texts]

    # Nobody is shown these by any page: the admin has them.
    assert set(missing) <= {"zq@private.example", "+33 6 99 88 77 66", "CARD-ZQ-7781", "bed knocked over"}


def test_member_cannot_reserve_over_or_revoke_what_is_anothers(lab: Lab) -> None:
    client = lab.client("other")

    client.post(reverse("token-revoke", args=[lab.token.token_key]))
    client.post(reverse("reservation-action", args=[lab.coming.reference, "cancel"]))

    lab.token.refresh_from_db()
    lab.coming.refresh_from_db()
    assert lab.coming.status == "confirmed"


def test_token_opens_no_more_than_its_person_may(lab: Lab) -> None:
    _row, key = make_token(lab.people["other"], "read", "reserve", "print", "manage")
    url = reverse("api-reservation", args=[lab.coming.reference])

    response = lab.client("anonymous").get(url, headers={"authorization": f"Token {key}"})

    assert response.status_code == 404
