"""Sign-in, passwords and second keys as people read them: in our words, and promising nothing that does not happen."""

import re
import time

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core import mail
from django.test import Client
from django.urls import reverse

from fablab.first_run.services import hand_out_passwords
from fablab.second_factor import ENROLLED
from people.handed_out import hand_out_password, has_handed_out_password
from people.models import Person, Role
from tests.api.lab import Lab, make_lab
from tests.factories import give_second_key, make_person, make_staff

pytestmark = pytest.mark.django_db
PASSWORD = "correct-horse-battery"
NO_MAIL = "django.core.mail.backends.console.EmailBackend"


@pytest.fixture
def lab() -> Lab:
    return make_lab()


def browser(**headers: str) -> Client:
    return Client(headers={"accept-language": "en"} | headers)


def with_password(person: Person) -> Person:
    person.set_password(PASSWORD)
    person.save()
    return person


def without_key(lab: Lab, role: Role = Role.MEDIATOR) -> Person:
    person = with_password(make_staff(site=lab.site, role=role))
    Authenticator.objects.filter(user=person).delete()
    return person


def sign_in(client: Client, person: Person, password: str = PASSWORD):
    return client.post(reverse("account_login"), {"login": person.card_code, "password": password}, follow=True)


def code_of(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))


# --- without mail, none is promised ------------------------------------------------------------------------------


def test_forgotten_password_without_mail_leads_to_the_team(lab: Lab, settings) -> None:
    settings.EMAIL_BACKEND = NO_MAIL

    page = browser().get(reverse("account_reset_password")).content.decode()

    assert "ask the team" in page
    assert 'name="email"' not in page


def test_forgotten_password_sent_all_the_same_sends_nothing(lab: Lab, settings, capsys) -> None:
    settings.EMAIL_BACKEND = NO_MAIL
    person = with_password(make_person())
    EmailAddress.objects.create(user=person, email="claire@private.example", primary=True)

    response = browser().post(reverse("account_reset_password"), {"email": "claire@private.example"})
    done = browser().get(reverse("account_reset_password_done")).content.decode()

    assert response.status_code == 200
    assert "claire@private.example" not in capsys.readouterr().out
    assert "No mail was sent" in done


@pytest.mark.parametrize("is_sent", [True, False], ids=["mail", "no mail"])
def test_signing_up_says_whether_a_mail_was_sent(lab: Lab, settings, is_sent: bool) -> None:
    if not is_sent:
        settings.EMAIL_BACKEND = NO_MAIL
    words = {"first_name": "Claire", "email": "claire@private.example", "password1": PASSWORD}

    page = browser().post(reverse("account_signup"), words, follow=True).content.decode()

    assert ("A mail went to claire@private.example" in page) is is_sent
    assert len(mail.outbox) == int(is_sent)
    assert "You are signed in as Claire." in page


@pytest.mark.parametrize("is_sent", [True, False], ids=["mail", "no mail"])
def test_manager_reads_that_no_mail_leaves(lab: Lab, settings, is_sent: bool) -> None:
    if not is_sent:
        settings.EMAIL_BACKEND = NO_MAIL

    page = lab.client("manager").get(reverse("settings")).content.decode()

    assert ('id="mail-title"' in page) is not is_sent


# --- the second key ----------------------------------------------------------------------------------------------


def test_second_key_is_set_up_right_after_signing_in(lab: Lab) -> None:
    client, person = browser(), without_key(lab)
    sign_in(client, person)

    page = client.get(reverse("mfa_activate_totp"))
    secret = page.context["form"].secret
    wrong = client.post(reverse("mfa_activate_totp"), {"code": "000000"}).content.decode()
    right = client.post(reverse("mfa_activate_totp"), {"code": code_of(secret)}, follow=True)

    assert page.status_code == 200
    assert " ".join(re.findall("....", secret)) in page.content.decode()
    assert re.search(r'<input[^>]*name="code"[^>]*autofocus', wrong)
    assert "Codes for a bad day" in right.content.decode()
    assert Authenticator.objects.filter(user=person, type=Authenticator.Type.TOTP).count() == 1


def test_signed_in_long_ago_says_the_password_again(lab: Lab, settings) -> None:
    client, person = browser(), without_key(lab)
    sign_in(client, person)
    session = client.session
    for record in session["account_authentication_methods"]:
        record["at"] = time.time() - 16 * 60
    session.save()

    response = client.get(reverse("mfa_activate_totp"))

    assert response.headers["location"].startswith(reverse("account_reauthenticate"))
    assert "Is it still you?" in client.get(response.headers["location"]).content.decode()


def test_page_of_the_code_begins_at_the_field(lab: Lab) -> None:
    person = without_key(lab)
    TOTP.activate(person, "JBSWY3DPEHPK3PXP")

    page = sign_in(browser(), person).content.decode()

    assert re.search(r'<input[^>]*name="code"[^>]*autofocus', page)
    assert "passkey" not in page.casefold()


@pytest.mark.parametrize(
    ("host", "is_secure", "is_offered"),
    [
        pytest.param("localhost", False, True, id="this computer by name"),
        pytest.param("127.0.0.1", False, False, id="this computer by number"),
        pytest.param("lab.example.org", True, True, id="https by name"),
        pytest.param("192.168.1.20", True, False, id="https by number"),
        pytest.param("lab.example.org", False, False, id="no https"),
    ],
)
def test_passkey_is_offered_where_browsers_know_it(
    lab: Lab, settings, host: str, is_secure: bool, is_offered: bool
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    client = Client(headers={"accept-language": "en", "host": host})
    client.force_login(without_key(lab), backend="people.sign_in_backends.PersonBackend")

    page = client.get(reverse("second-factor"), secure=is_secure).content.decode()

    assert (reverse("mfa_add_webauthn") in page) is is_offered


# --- names and words ---------------------------------------------------------------------------------------------


def test_person_is_called_by_name_never_by_card_code(lab: Lab) -> None:
    person = with_password(make_person(first_name="Claire", last_name="Morel"))
    client = browser()

    page = sign_in(client, person).content.decode()
    activate = client.get(reverse("mfa_activate_totp"))

    assert "You are signed in as Claire Morel." in page
    assert "Claire%20Morel" in activate.context["totp_url"]
    assert person.card_code not in activate.context["totp_url"]


def test_wrong_password_with_a_card_code_says_card_code(lab: Lab) -> None:
    page = sign_in(browser(), with_password(make_person()), "wrong-horse-battery").content.decode()

    assert "This card code and this password do not go together." in page


def test_too_many_tries_say_how_long_to_wait(lab: Lab) -> None:
    client, person = browser(), with_password(make_person())

    pages = [sign_in(client, person, f"wrong-horse-{number}").content.decode() for number in range(7)]

    assert "Wait five minutes" in pages[-1]


def test_pages_of_sign_in_say_e_mail_address_in_french(lab: Lab) -> None:
    client = Client(headers={"accept-language": "fr"})
    pages = [client.get(reverse(name)).content.decode() for name in ("account_signup", "account_reset_password")]
    client.force_login(with_password(make_person()), backend="people.sign_in_backends.PersonBackend")
    pages.append(client.get(reverse("account_email")).content.decode())

    assert not [page for page in pages if "ourriel" in page]


# --- a password from a slip --------------------------------------------------------------------------------------


def test_first_password_is_replaced_after_the_second_key(lab: Lab, settings) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = True
    client, person = browser(), without_key(lab)
    Person.objects.filter(pk=person.pk).update(last_login=None)
    boss = make_staff(site=lab.site, role=Role.ADMINISTRATOR)
    first = {grant.person_id: word for grant, word in hand_out_passwords(site=lab.site, by=boss)}[person.pk]

    first_page = sign_in(client, person, first)
    at_key = client.get(reverse("desk"))
    give_second_key(person)
    session = client.session
    session[ENROLLED] = True
    session.save()
    at_desk = client.get(reverse("desk"))
    asked = client.get(at_desk.headers["location"]).content.decode()
    words = {"oldpassword": first, "password1": PASSWORD, "password2": PASSWORD, "next": reverse("desk")}
    kept = client.post(reverse("account_change_password"), words)
    person.refresh_from_db()

    assert first_page.redirect_chain[-1][0] == reverse("second-factor")
    assert at_key.headers["location"] == reverse("second-factor")
    assert at_desk.headers["location"].startswith(reverse("account_change_password"))
    assert "The one on your slip was made by somebody else." in asked
    assert kept.headers["location"] == reverse("desk")
    assert client.get(reverse("desk")).status_code == 200
    assert not has_handed_out_password(person)


def test_signing_in_with_it_does_not_make_it_ones_own(lab: Lab) -> None:
    person = make_person()
    first = hand_out_password(person)

    sign_in(browser(), person, first)
    again = browser()
    sign_in(again, person, first)

    assert again.get(reverse("home")).status_code == 200
    assert again.get(reverse("me")).headers["location"] == f"{reverse('account_change_password')}?next=%2Fme%2F"


def test_program_is_told_to_choose_a_password_first(lab: Lab) -> None:
    person, client = make_person(), browser()
    sign_in(client, person, hand_out_password(person))

    response = client.get("/api/v1/reservations/")

    assert (response.status_code, response.json()) == (403, {"detail": "Choose a password of your own first."})


def test_password_of_ones_own_is_not_asked_for(lab: Lab) -> None:
    client, person = browser(), with_password(make_person())
    sign_in(client, person)

    assert client.get(reverse("me")).status_code == 200


def test_page_of_a_passkey_tells_the_script_its_parts(lab: Lab) -> None:
    client = browser(host="localhost")
    sign_in(client, with_password(make_person()))

    page = client.get(reverse("mfa_add_webauthn")).content.decode()

    told = '{"ids": {"add": "mfa_webauthn_add", "passwordless": "id_passwordless", "credential": "id_credential"'
    assert told in page
