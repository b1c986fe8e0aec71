"""No page is forgotten: whatever answers a person with a page has a picture, and axe looks at it."""

from collections.abc import Iterator

import pytest
from django.urls import NoReverseMatch, get_resolver, reverse

from tests.fablab.test_access import TABLE
from tests.pictures import GROUPS, LINKS, STEPS, name_of

DOWNLOAD = "a file or a picture, not a page"
FOR_PROGRAMS = "for programs: no page"
ASKS_FOR_A_KEY = "shown only with a second key of one's own, or in the middle of signing in"
WITHOUT_A_PAGE = {
    "healthz": FOR_PROGRAMS,
    "mqtt-asyncapi": FOR_PROGRAMS,
    "mqtt-schema": FOR_PROGRAMS,
    "calendar-feed": FOR_PROGRAMS,
    "messages-feed": FOR_PROGRAMS,
    "help-picture": DOWNLOAD,
    "people-credits-csv": DOWNLOAD,
    "people-csv": DOWNLOAD,
    "people-import-template": DOWNLOAD,
    "people-import-problems": DOWNLOAD,
    "manage-access-csv": DOWNLOAD,
    "manage-prints-csv": DOWNLOAD,
    "team-reservations-csv": DOWNLOAD,
    "desk-ticket-file": DOWNLOAD,
    "desk-today": DOWNLOAD,
    "loan-photo": DOWNLOAD,
    "print-thumbnail": DOWNLOAD,
    "print-file": DOWNLOAD,
    "print-path": DOWNLOAD,
    "print-camera": DOWNLOAD,
}
# Of the library that signs people in: which of its addresses our people are never shown, or not without more.
THEIRS_WITHOUT_A_PICTURE = {
    "account_set_password": "leads to changing the password: everybody in the demo has one",
    "account_confirm_login_code": "codes by e-mail are not offered",
    "mfa_authenticate": ASKS_FOR_A_KEY,
    "mfa_reauthenticate": ASKS_FOR_A_KEY,
    "mfa_reauthenticate_webauthn": ASKS_FOR_A_KEY,
    "mfa_deactivate_totp": ASKS_FOR_A_KEY,
    "mfa_view_recovery_codes": ASKS_FOR_A_KEY,
    "mfa_remove_webauthn": ASKS_FOR_A_KEY,
    "mfa_edit_webauthn": ASKS_FOR_A_KEY,
    "mfa_download_recovery_codes": DOWNLOAD,
    "mfa_login_webauthn": FOR_PROGRAMS,
}


def sample_of(name: str) -> str:
    """Some address of that name; `1234` passes for a key, a word and a reference."""
    for count in (1, 2):
        try:
            return reverse(name, args=["1234"] * count)
        except NoReverseMatch:
            continue
    raise AssertionError(f"{name} is no address with one or two words in it")


@pytest.fixture(scope="module")
def pictured() -> set[str]:
    """The names of the addresses that have a picture."""
    words = {"machine": "a", "laser": "a", "router": "a", "site": "a", "seat": "a", "day": "2026-01-01"}
    words |= {fact: sample_of(name) for links in LINKS.values() for fact, (_where, name) in links.items()}
    words |= {fact: sample_of(name) for fact, name in STEPS.items()}
    return {name_of(url.format(**words).partition("?")[0]) for pages, _ in GROUPS for url in pages.values()}


def pages_of_the_table() -> set[str]:
    """The addresses that answer somebody with 200; the API's have tests of their own."""
    return {row.name for row in TABLE if "200" in row.get.split() and not row.name.startswith("api-")} | {"api-docs"}


def their_names() -> Iterator[str]:
    for resolver in get_resolver().url_patterns:
        if str(resolver.pattern).startswith("accounts/"):
            yield from (key for key in resolver.reverse_dict if isinstance(key, str))


def test_every_page_of_the_table_has_a_picture(pictured: set[str]) -> None:
    assert pages_of_the_table() - pictured == WITHOUT_A_PAGE.keys()


def test_every_page_around_signing_in_has_a_picture(pictured: set[str]) -> None:
    assert set(their_names()) - pictured == THEIRS_WITHOUT_A_PICTURE.keys()


def test_pictures_show_nothing_that_is_not_in_the_table(pictured: set[str]) -> None:
    # The page that is not there, the administrators' plain pages, and of the demo's data nothing else.
    assert pictured - pages_of_the_table() - set(their_names()) == {"", "index"}
