"""The help says the same in both languages, names only buttons that exist, and leads nowhere wrong."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation

from fablab import help_pages
from fablab.catalogue import gathered
from fablab.help_pages import FOLDER, PICTURES, SLUGS, WORDS, help_page, source_of
from people.models import Module
from tests.factories import make_site, make_staff

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
LANGUAGES = ("fr", "en")
PAGES = [(slug, language) for language in LANGUAGES for slug in SLUGS]
APPS = ("people", "machines", "reservations", "iot", "printing", "fablab")
# An ordinary space would let the sign begin a line, and none at all runs it into its word.
LOOSE_SIGN = re.compile(
    r".{0,20}(?:[ \u202f][:;?!»%](?:\s|$)|«[^\u00a0]|[^\u00a0]»|\w[;?!](?:\s|$)|\w:\s).{0,20}",
)
LINK = re.compile(r"\][({]([^)}\s]+)[)}]")


@pytest.fixture
def anybody() -> Client:
    make_site()
    return Client(headers={"accept-language": "en"})


@pytest.mark.parametrize("language", LANGUAGES)
def test_both_languages_have_every_page(language: str) -> None:
    assert {path.stem for path in (FOLDER / language).glob("*.md")} == set(SLUGS)


@pytest.mark.parametrize("slug", SLUGS)
def test_both_languages_say_the_same(slug: str) -> None:
    french, english = source_of(slug, "fr"), source_of(slug, "en")

    assert french.count("\n## ") == english.count("\n## ")
    assert sorted(set(WORDS.findall(french))) == sorted(set(WORDS.findall(english)))
    assert _targets(french) == _targets(english)


def _targets(source: str) -> list[str]:
    return sorted(re.sub(r"-(fr|en)\.png$", "", target) for target in LINK.findall(source))


@pytest.mark.parametrize("slug", SLUGS)
def test_french_signs_keep_to_their_words(slug: str) -> None:
    french = re.sub(r"\[\[.+?\]\]|\]\([^)]*\)|\]\{[^}]*\}", "x", source_of(slug, "fr"))

    loose = LOOSE_SIGN.findall(french)

    assert loose == []


@pytest.mark.parametrize("slug", SLUGS)
def test_french_help_calls_things_as_the_pages_do(slug: str) -> None:
    french = source_of(slug, "fr")

    other_names = re.findall(r"(?i)imprimantes reliées|vie privée|\benregistrée?s?\b|\bgenres?\b", french)

    assert other_names == []


def test_contents_are_not_numbered_twice(anybody: Client) -> None:
    page = anybody.get("/help/first-day/").content.decode()

    contents = page.partition('aria-labelledby="on-this-page"')[2].partition("</nav>")[0]

    assert "1. Answer the eight questions" in contents
    assert "<ol" not in contents


def test_help_for_the_team_is_offered_to_the_team_only(anybody: Client) -> None:
    site = make_site()
    mediator = Client(headers={"accept-language": "en"})
    mediator.force_login(make_staff(site=site), backend="people.sign_in_backends.PersonBackend")

    pages = [client.get("/contact/").content.decode() for client in (anybody, mediator)]

    assert ['<a href="/help/">' in page for page in pages] == [False, True]


def test_help_names_buttons_that_exist() -> None:
    root = Path(settings.BASE_DIR)
    known = {
        words
        for message in gathered((root / app for app in APPS), root)
        for words in ([message.id] if isinstance(message.id, str) else message.id)
    }

    missing = {
        (slug, words)
        for slug, language in PAGES
        for words in WORDS.findall(source_of(slug, language))
        if words not in known
    }

    assert missing == set()


@pytest.mark.parametrize(("slug", "language"), PAGES, ids=lambda value: str(value))
def test_page_of_the_help_is_whole(slug: str, language: str) -> None:
    with translation.override(language):
        page = help_page(slug)

        assert page is not None
        html = page.html(list(Module))

    assert page.title
    assert 20 < len(page.lead) < 200
    assert not re.search(r"\[\[|\]\]|\]\(|&lt;|href=\"\"|<script|style=", html)
    for path in re.findall(r'src="[^"]*/([^"/]+)"', html):
        assert (PICTURES / path).is_file()
    anchors = re.findall(r' id="([^"]+)"', html)
    assert len(anchors) == len(set(anchors)) == len(page.contents)


def test_help_leads_to_pages_that_are_there(anybody: Client) -> None:
    hrefs = {
        href
        for slug in SLUGS
        for href in re.findall(r'href="([^"]+)"', help_page(slug).html(list(Module)))  # type: ignore[union-attr]
    }

    answers = {href: anybody.get(href).status_code for href in hrefs}

    assert {href for href, status in answers.items() if status not in (200, 302)} == set()


def test_help_shows_page_with_neighbours(anybody: Client) -> None:
    page = anybody.get("/help/a-typical-week/").content.decode()

    assert 'rel="prev" href="/help/first-day/"' in page
    assert 'rel="next" href="/help/people/"' in page
    assert 'href="#each-morning"' in page


@pytest.mark.parametrize("path", ["/help/no-such-page/", "/help/pictures/no-such.png", "/help/pictures/..png"])
def test_help_has_no_other_page(anybody: Client, path: str) -> None:
    assert anybody.get(path).status_code == 404


@pytest.mark.parametrize(
    ("words", "found"),
    [("lost card", True), ("LÓST càrd", True), ("zeppelin", False), ("<script>", False)],
    ids=["two words", "accents and capitals", "nothing", "markup"],
)
def test_help_finds(anybody: Client, words: str, found: bool) -> None:
    page = anybody.get("/help/", {"q": words}).content.decode()

    assert ("/help/what-to-do-when/#somebody-lost-their-card" in page) is found
    assert "<script>" not in page


def test_link_to_a_module_that_is_off_is_plain_words() -> None:
    with translation.override("en"):
        page = help_page("first-day")
        assert page is not None

        assert 'href="/desk/"' in page.html(list(Module))
        assert 'href="/desk/"' not in page.html([])


def test_markup_in_a_page_stays_text(monkeypatch) -> None:
    monkeypatch.setattr(
        help_pages, "source_of", lambda slug, language: "# A\n\nLead.\n\n<b onclick='x'>hello</b> [x](javascript:y)\n"
    )

    html = help_pages.help_page("desk").html([])  # type: ignore[union-attr]

    assert "<b" not in html
    assert "href" not in html
