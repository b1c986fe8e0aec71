"""Who is led to the questions of the first day, and who may answer them."""

import pytest
from django.test import Client
from django.urls import reverse

from fablab.first_run.key import setup_key
from people.models import Person, Role, RoleGrant
from tests.fablab.first_run_pages import ADMINISTRATOR, PASSWORD, PLACE, STEPS, answer, begun, elsewhere, here, page
from tests.factories import NOW, make_person, make_site

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture
def client() -> Client:
    return begun()


# --- every page leads here --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/machines/", "/manage/", "/reserve/", "/nothing-here/", "/admin/"])
def test_new_lab_asks_the_first_question_on_every_page(path: str) -> None:
    response = here().get(path, follow=True)

    assert response.redirect_chain[-1][0] == page("administrator")
    assert b"Question 1 of 8" in response.content


@pytest.mark.parametrize("path", ["/healthz", "/api/v1/machines/", "/accounts/login/", "/address/", "/first-run/"])
def test_new_lab_leaves_alone_what_is_not_a_question(path: str) -> None:
    response = here().get(path)

    assert response.get("Location") != "/first-run/"


def test_lab_with_a_place_is_not_led_away() -> None:
    make_site()

    assert here().get("/").status_code == 200


# --- who may answer ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "client",
    [
        elsewhere(),
        Client(SERVER_NAME="lab.example.org", REMOTE_ADDR="127.0.0.1"),
        Client(SERVER_NAME="localhost", HTTP_X_FORWARDED_FOR="203.0.113.9"),
        Client(SERVER_NAME="localhost", HTTP_VIA="1.1 proxy"),
        Client(SERVER_NAME="localhost", REMOTE_ADDR=""),
    ],
    ids=["another machine", "another name", "passed on by a proxy", "through a proxy", "no address"],
)
def test_from_elsewhere_the_setup_key_is_asked_for(client: Client, settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]

    first = client.get(reverse("first-run"))
    posted = client.post(page("administrator"), ADMINISTRATOR)

    assert first.status_code == 403
    assert b'name="key"' in first.content
    assert posted["Location"] == reverse("first-run")
    assert not Person.objects.exists()


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "127.8.9.10", "::ffff:127.0.0.1"])
def test_loopback_needs_no_key(address: str) -> None:
    client = Client(SERVER_NAME="127.0.0.1", REMOTE_ADDR=address)

    assert client.get(page("administrator")).status_code == 200


def test_behind_a_proxy_of_ours_the_key_is_always_asked_for(settings) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

    assert here().get(reverse("first-run")).status_code == 403


@pytest.mark.parametrize(
    "setting", [("PUBLIC_URL", "https://lab.example.org"), ("IS_PRODUCTION", True)], ids=["public name", "production"]
)
def test_lab_for_others_is_claimed_with_the_key_only(settings, setting) -> None:
    setattr(settings, *setting)

    # A proxy that adds no header of its own looks like a browser of this machine.
    response = here().get(page("administrator"))

    assert response["Location"] == reverse("first-run")
    assert here().get(reverse("first-run"), {"key": setup_key()})["Location"] == page("administrator")


def typed(key: str) -> str:
    return f" {key[:5]}-{key[5:10]} {key[10:]}".upper()


@pytest.mark.parametrize("is_typed", [False, True], ids=["in the address", "typed off the screen"])
def test_setup_key_opens_the_first_question_to_that_browser(is_typed: bool) -> None:
    client, key = elsewhere(), setup_key()

    if is_typed:
        response = client.post(reverse("first-run"), {"key": typed(key)})
    else:
        response = client.get(reverse("first-run"), {"key": key})

    assert response["Location"] == page("administrator")
    assert answer(client, "administrator", ADMINISTRATOR) == page("place")
    assert elsewhere().get(page("place")).status_code == 302


@pytest.mark.parametrize("key", ["", "x", "é", "0" * 20, "a" * 5000])
def test_wrong_key_opens_nothing(key: str) -> None:
    client = elsewhere()

    response = client.post(reverse("first-run"), {"key": key})

    assert response.status_code == 403
    assert client.get(page("administrator"))["Location"] == reverse("first-run")


def test_key_depends_on_the_secret_of_the_installation(settings) -> None:
    before = setup_key()

    settings.SECRET_KEY = "another one altogether, long enough to be one"

    assert setup_key() != before
    assert len(before) == 20


@pytest.mark.parametrize("has_place", [False, True])
@pytest.mark.parametrize("slug", STEPS)
def test_once_claimed_nobody_else_goes_on(slug: str, has_place: bool) -> None:
    owner, stranger, visitor = here(), here(), here()
    answer(owner, "administrator", ADMINISTRATOR)
    if has_place:
        answer(owner, "place", PLACE)
    visitor.force_login(make_person(), backend="people.sign_in_backends.PersonBackend")

    seen = [client.get(page(slug)).status_code for client in (stranger, visitor)]
    sent = [client.post(page(slug), ADMINISTRATOR).status_code for client in (stranger, visitor)]

    assert seen == sent == [302, 403]
    assert stranger.get(page(slug))["Location"].startswith(reverse("account_login"))
    assert Person.objects.filter(is_superuser=True).count() == 1


def test_second_superuser_may_not_change_the_firsts_answers(client: Client) -> None:
    other = here()
    other.force_login(
        Person.objects.create_superuser("OTHER", PASSWORD), backend="people.sign_in_backends.PersonBackend"
    )

    assert other.get(page("hours")).status_code == 403


def test_lab_made_without_the_questions_is_not_asked_them() -> None:
    site, client = make_site(), here()
    administrator = Person.objects.create_superuser("BOSS", PASSWORD)
    RoleGrant.objects.create(person=administrator, site=site, role=Role.ADMINISTRATOR, granted_at=NOW)
    client.force_login(administrator, backend="people.sign_in_backends.PersonBackend")

    assert client.get(reverse("first-run")).status_code == 404
    assert client.get(page("place")).status_code == 404


def test_demo_is_never_asked(settings) -> None:
    settings.IS_DEMO = True

    assert here().get(reverse("first-run")).status_code == 404
