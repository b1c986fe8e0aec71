"""SMS to one person: really sent, to their number only, once, and off where the operator named no service."""

import http.server
import json
import logging
import threading

import pytest
from django.urls import reverse

from people.models import Channel, Delivery, NoticePreference, Person
from people.notices import tell
from people.notices.inbox import choose_by, wanted_by
from people.notices.send import PAUSES, TRIES, send_due
from people.notices.sms import can_text, number_of
from tests.api.lab import make_lab
from tests.factories import NOW, make_person, make_site, minutes

# A plugin of apprise imports it.
pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore:.imghdr. is deprecated:DeprecationWarning")]

Status = Delivery.Status
PHONE = "06 12 34 56 78"
PARAMS = {
    "what": "Laser", "zone": "Europe/Paris", "start": "2026-03-14T09:00:00+00:00", "end": "2026-03-14T10:00:00+00:00",
}  # fmt: skip


class Service:
    """What it answers, and what it heard: the path and the text."""

    status = 200

    def __init__(self):
        self.heard = []


@pytest.fixture
def service(monkeypatch):
    """A service that sends SMS, on this machine."""
    found = Service()

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            text = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["message"]
            found.heard.append((self.path, text))
            self.send_response(found.status)
            self.end_headers()

        def log_message(self, *_args):
            """Nothing."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    port = server.server_address[1]
    monkeypatch.setenv("FABLAB_SMS_URL", f"json://user:hush-hush@127.0.0.1:{port}/{{phone}}/send")
    monkeypatch.setenv("FABLAB_SMS_COUNTRY", "33")
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


def somebody(**fields):
    person = make_person(**({"phone": PHONE, "language": "en"} | fields))
    choose_by(person=person, channel=Channel.SMS, wanted={"reservation_cancelled": True, "reservation_expired": True})
    return person


def told(person, kind="reservation_cancelled", **more):
    return tell(person=person, kind=kind, key="k", params=PARAMS, now=NOW, link="/x/", **more)


def states(notice):
    return dict(notice.deliveries.values_list("channel", "status"))


@pytest.mark.parametrize(
    ("typed", "country", "number"),
    [
        (PHONE, "33", "+33612345678"),
        (PHONE, "+33", "+33612345678"),
        (PHONE, "", "0612345678"),
        ("+33 (0)6.12.34.56.78", "", "+33612345678"),
        ("0033 6-12-34-56-78", "33", "+33612345678"),
        ("06\u00a012\u202f34 56 78", "33", "+33612345678"),
        ("+1 212 555 0100", "33", "+12125550100"),
        ("", "33", ""),
        ("ask at reception", "33", ""),
        ("06 12 34 56 78 (mother)", "33", ""),
        ("15", "33", ""),
        ("0612345678/../?x=1", "33", ""),
        ("+" + "1" * 16, "33", ""),
    ],
)
def test_number_as_services_read_it(monkeypatch, typed, country, number):
    monkeypatch.setenv("FABLAB_SMS_COUNTRY", country)

    assert number_of(make_person(phone=typed)) == number


@pytest.mark.parametrize("address", ["", "json://127.0.0.1/nobody"], ids=["none", "without a place for the number"])
def test_without_a_service_nobody_is_written_to(monkeypatch, address):
    monkeypatch.setenv("FABLAB_SMS_URL", address)
    person = somebody()

    assert not can_text(person)
    assert Channel.SMS not in states(told(person, site=make_site()))


def test_who_wants_it_gets_it_once_in_their_language(service):
    person = somebody(language="fr")

    notice = told(person)
    counts = [send_due(clock=lambda: NOW) for _ in range(2)]

    ((path, text),) = service.heard
    assert counts == [1, 0]
    assert path == "/+33612345678/send"
    assert "Laser" in text
    assert "14 mars" in text
    assert text.endswith("/x/")
    assert states(notice) == {Channel.SMS: Status.SENT}


def test_nobody_gets_it_without_having_asked(service):
    person = make_person(phone=PHONE)

    assert Channel.SMS not in states(told(person))


def test_failure_is_tried_again_then_the_desk_telephones(service):
    service.status = 500
    notice, now = told(somebody(), site=make_site()), NOW

    for pause in (*PAUSES, None):
        assert send_due(clock=lambda now=now: now) == 0
        now += pause or minutes(0)

    sms = notice.deliveries.get(channel=Channel.SMS)
    assert (sms.status, sms.attempts, sms.error) == (Status.FAILED, TRIES, "no_service_took_it")
    assert len(service.heard) == TRIES
    assert states(notice)[Channel.CALL] == Status.TO_CALL


def test_what_need_not_reach_is_not_telephoned(service):
    notice = told(somebody(), "reservation_expired")
    type(notice.person).objects.update(phone="")

    send_due(clock=lambda: NOW)

    assert states(notice) == {Channel.SMS: Status.FAILED}


def test_service_that_is_gone_is_not_waited_for(service, monkeypatch):
    notice = told(somebody())
    monkeypatch.delenv("FABLAB_SMS_URL")

    send_due(clock=lambda: NOW)

    assert states(notice) == {Channel.SMS: Status.FAILED, Channel.CALL: Status.TO_CALL}


def test_no_secret_and_no_number_is_logged_or_kept(service, caplog):
    caplog.set_level(logging.DEBUG)
    service.status = 500
    told(somebody())

    send_due(clock=lambda: NOW)

    kept = " ".join(Delivery.objects.values_list("error", flat=True))
    for word in ("hush-hush", "612345678"):
        assert word not in caplog.text + kept


def page_for(**fields):
    """Somebody’s browser, and what their page says."""
    lab = make_lab()
    person, client = lab.people["holder"], lab.client("holder")
    Person.objects.filter(pk=person.pk).update(**({"contact_email": "zoe@example.org"} | fields))
    response = client.get(reverse("me-notices"))
    assert response.status_code == 200
    return person, client, response.content.decode()


def test_page_offers_sms_beside_e_mail_and_keeps_both(service):
    person, client, page = page_for(phone=PHONE)

    client.post(reverse("me-notices"), {"sms": ["reservation_moved"], "email": ["reservation_cancelled"]})

    assert "+33612345678" in page
    assert 'name="sms"' in page
    assert {kind for kind, is_wanted in wanted_by(person=person, channel=Channel.SMS).items() if is_wanted} == {
        "reservation_moved"
    }
    assert wanted_by(person=person, channel=Channel.EMAIL)["reservation_cancelled"]
    assert not wanted_by(person=person, channel=Channel.EMAIL)["reservation_moved"]


@pytest.mark.parametrize("phone", ["", "ask at reception"])
def test_page_says_nothing_of_sms_without_a_number(service, phone):
    _person, _client, page = page_for(phone=phone)

    assert "SMS" not in page


def test_page_says_nothing_of_sms_where_the_lab_sends_none(monkeypatch):
    monkeypatch.delenv("FABLAB_SMS_URL", raising=False)
    _person, client, page = page_for(phone=PHONE)

    client.post(reverse("me-notices"), {"sms": ["reservation_moved"]})

    assert "SMS" not in page
    assert not NoticePreference.objects.filter(channel=Channel.SMS).exists()
