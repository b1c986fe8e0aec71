"""What every page's foot leads to, and what each person may do with their own data."""

import datetime as dt
import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from people.lab import forget
from people.models import Erasure, FileAccess, Lab, Person, Role
from tests.factories import make_person, make_site, make_staff

pytestmark = pytest.mark.django_db
BACKEND = "people.sign_in_backends.PersonBackend"
FOOT = ("accessibility", "privacy", "legal", "contact")


@pytest.fixture(autouse=True)
def folders(db, settings, tmp_path) -> None:
    settings.DATA_DIR, settings.MEDIA_ROOT = tmp_path, tmp_path / "files"
    # Without it, every page leads to the first questions.
    set_lab()


def browser(person: Person | None = None, language: str = "en") -> Client:
    client = Client(headers={"accept-language": language})
    if person is not None:
        client.force_login(person, backend=BACKEND)
    return client


def set_lab(**fields: object) -> None:
    Lab.objects.update_or_create(pk=1, defaults={"set_up_at": timezone.now()} | fields)
    forget()


def text_of(client: Client, name: str, *args: str, status: int = 200) -> str:
    answer = client.get(reverse(name, args=args))
    assert answer.status_code == status
    return answer.content.decode()


@pytest.mark.parametrize("page", ["home", "machines", "board", "manage", "privacy-register", "account_login"])
def test_foot_of_each_kind_of_page_leads_to_all_four(page: str) -> None:
    site = make_site()
    client = browser(None if page == "account_login" else make_staff(site=site, role=Role.FAB_MANAGER))

    text = text_of(client, page)

    assert [name for name in FOOT if f'href="{reverse(name)}"' not in text] == []
    assert "Accessibility: not audited yet" in text


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("name", FOOT)
def test_page_of_the_foot_has_one_title_and_lives_without_a_site(name: str, language: str) -> None:
    text = text_of(browser(language=language), name)

    assert len(re.findall("<h1", text)) == 1


def test_privacy_page_tells_times_and_grounds() -> None:
    make_site(name="Riverside", contact_email="hello@riverside.example")

    text = text_of(browser(), "privacy")

    assert "12 months after the last visit; then the file is made anonymous" in text
    assert "24 months after its end; then the name goes and the count stays" in text
    assert "90 days after the last use" in text
    assert "needed for the service you ask for" in text
    assert "hello@riverside.example" in text


def test_privacy_page_has_no_word_of_a_module_that_is_off() -> None:
    make_site()
    with_prints = text_of(browser(), "privacy")

    set_lab(modules_off=["printing"])

    assert "3D print" in with_prints
    assert "3D print" not in text_of(browser(), "privacy")


def test_privacy_page_names_who_answers() -> None:
    make_site()
    set_lab(privacy_contact="Ada Moreau, privacy@riverside.example")

    assert "Ada Moreau" in text_of(browser(), "privacy")


def test_legal_notice_is_the_labs_own_and_its_lack_is_told_to_who_may_write_it() -> None:
    site = make_site()
    empty = text_of(browser(), "legal")
    for_boss = text_of(browser(make_staff(site=site, role=Role.ADMINISTRATOR)), "legal")
    set_lab(legal_notice_en="Published by <b>Riverside</b>.\n\nHosted at home.", legal_notice_fr="Publié par nous.")

    written = text_of(browser(), "legal")

    assert "not written its legal notice yet" in empty
    assert "Say who publishes" not in empty
    assert "Say who publishes" in for_boss
    assert "Published by &lt;b&gt;Riverside&lt;/b&gt;.</p>" in written
    assert "Publié par nous" in text_of(browser(language="fr"), "legal")


def test_contact_shows_each_site() -> None:
    make_site(name="Riverside", address="1 Quay Street", phone="+33 1 22 33 44 55")
    make_site(name="Hilltop")

    text = text_of(browser(), "contact")

    assert 'href="tel:+33122334455"' in text
    assert "1 Quay Street" in text
    assert "No address is written down yet" in text


def test_register_tells_of_the_last_purge() -> None:
    from fablab.personal.purge import purge

    client = browser(make_staff(site=make_site()))
    before = text_of(client, "privacy-register")
    purge(now=timezone.now())

    assert "has not run yet" in before
    assert "Last nightly clean-up" in text_of(client, "privacy-register")


def test_leaving_list_shows_who_has_no_address() -> None:
    site = make_site()
    old = timezone.now() - dt.timedelta(days=350)
    person = make_person(first_name="Zoro", last_name="Quillfeather", phone="06 01 02 03 04")
    Person.objects.filter(pk=person.pk).update(joined_at=old, last_seen_at=old)
    client = browser(make_staff(site=site))

    text = text_of(client, "privacy-leaving")

    assert "Zoro Quillfeather" in text
    assert "06 01 02 03 04" in text


# --- my data -----------------------------------------------------------------------------------------------------


def test_my_data_shows_what_is_kept_and_who_looked() -> None:
    site = make_site()
    person, staff = make_person(), make_staff(site=site, first_name="Maud", last_name="Petit")
    FileAccess.objects.create(person=person, by=staff, deed="read", at=timezone.now())

    text = text_of(browser(person), "me-data")

    assert "Files of the people who come" in text
    assert "Maud Petit" in text
    assert "Reservations</summary>" not in text


def test_erasing_oneself_asks_for_the_password() -> None:
    make_person(is_superuser=True)
    person = make_person(password="correct horse 1")
    client = browser(person)

    wrong = client.post(reverse("me-data-erase"), {"proof": "something else"})
    right = client.post(reverse("me-data-erase"), {"proof": "correct horse 1"}, follow=True)

    person.refresh_from_db()
    assert wrong.status_code == 400
    assert "not your password" in wrong.content.decode()
    assert "something else" not in wrong.content.decode()
    assert person.erased_at
    assert "account is closed" in right.content.decode()
    assert client.get(reverse("me")).status_code == 302
    assert Erasure.objects.filter(reference=person.reference).exists()


def test_erasing_oneself_without_a_password_asks_for_the_card() -> None:
    person = make_person(card_code="ABCD2345")
    client = browser(person)

    wrong = client.post(reverse("me-data-erase"), {"proof": "ABCD2346"})
    client.post(reverse("me-data-erase"), {"proof": "abcd 2345"})

    person.refresh_from_db()
    assert wrong.status_code == 400
    assert person.erased_at


def test_password_is_not_guessed_here(settings) -> None:
    client = browser(make_person(password="correct horse 1"))

    answers = [client.post(reverse("me-data-erase"), {"proof": f"guess {n}"}).status_code for n in range(12)]

    assert answers[:10] == [400] * 10
    assert answers[10:] == [302] * 2


def test_page_says_what_comes_first() -> None:
    boss = make_staff(site=make_site(name="Riverside"), role=Role.ADMINISTRATOR)

    text = text_of(browser(boss), "me-data-erase")

    assert "Nobody else administers Riverside" in text
    assert 'name="proof"' not in text


# --- the team's side ---------------------------------------------------------------------------------------------


def test_manager_erases_a_file_by_its_name() -> None:
    site = make_site()
    manager = make_staff(site=site, role=Role.FAB_MANAGER)
    person = make_person(first_name="Zoé", last_name="Quillfeather", registered_by=manager)
    url = reverse("people-erase", args=[person.reference])
    client = browser(manager)
    page = client.get(url)

    wrong = client.post(url, {"name": "Zoé"})
    right = client.post(url, {"name": " zoe  QUILLFEATHER "})

    person.refresh_from_db()
    assert (page.status_code, wrong.status_code, right.status_code) == (200, 400, 302)
    assert person.erased_at
    assert client.get(url).status_code == 404


def test_manager_does_not_erase_an_administrator_nor_themselves() -> None:
    site = make_site()
    manager = make_staff(site=site, role=Role.FAB_MANAGER)
    boss = make_staff(site=site, role=Role.ADMINISTRATOR)
    make_staff(site=site, role=Role.ADMINISTRATOR)
    client = browser(manager)

    answers = [
        client.post(reverse("people-erase", args=[person.reference]), {"name": str(person)}).status_code
        for person in (boss, manager)
    ]

    assert answers == [403, 403]
    assert not Person.objects.exclude(erased_at=None).exists()
