"""Channels of the team: whose they are, and that a channel that fails tells no secret."""

import http.server
import json
import logging
import threading

import pytest

from people.kiosks import answer_call, call_somebody, enrol_kiosk
from people.models import Channel, Delivery, Notice
from people.notices.inbox import messages_of
from people.notices.send import send_due
from people.notices.team import channels_of, tell_team
from tests.factories import NOW, make_site, make_staff, minutes

# A plugin of apprise imports it.
pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore:.imghdr. is deprecated:DeprecationWarning")]

PARAMS = {"what": "Laser", "zone": "Europe/Paris", "start": "2026-03-14T09:00:00+00:00",
          "end": "2026-03-14T10:00:00+00:00"}  # fmt: skip


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", []),
        ("json://a json://b", ["json://a", "json://b"]),
        ("halles=json://a json://b", ["json://a", "json://b"]),
        ("quai=json://a", []),
        ("json://a/?to=x://y", ["json://a/?to=x://y"]),
    ],
    ids=["none", "two", "of this site", "of another", "with a query"],
)
def test_channels_of_a_site(monkeypatch, words, found):
    monkeypatch.setenv("FABLAB_APPRISE_URLS", words)
    site = make_site()
    site.slug = "halles"

    assert channels_of(site) == found


@pytest.fixture
def listening():
    """A channel on this machine: what it was sent."""
    heard = []

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_args):
            """Nothing."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"json://127.0.0.1:{server.server_address[1]}", heard
    server.shutdown()
    server.server_close()
    thread.join()


def ask(site):
    tell_team(site=site, kind="request_waiting", key="k", params=PARAMS, now=NOW, link="/manage/requests/")


def test_channel_hears_once_however_large_the_team(monkeypatch, listening):
    url, heard = listening
    monkeypatch.setenv("FABLAB_APPRISE_URLS", url)
    site = make_site()
    for _ in range(3):
        make_staff(site=site)

    ask(site)
    counts = [send_due(clock=lambda: NOW) for _ in range(2)]

    assert counts == [1, 0]
    assert [("Laser" in said["title"], "/manage/requests/" in said["message"]) for said in heard] == [(True, True)]


def test_channel_that_fails_is_tried_again_and_tells_no_secret(monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("FABLAB_APPRISE_URLS", "json://user:hush-hush@127.0.0.1:1/")
    site = make_site()
    make_staff(site=site)

    ask(site)
    send_due(clock=lambda: NOW)

    row = Delivery.objects.get(channel=Channel.APPRISE)
    assert (row.status, row.error) == ("queued", "no_channel_took_it")
    assert "hush-hush" not in caplog.text


def test_call_from_a_screen_is_told_once_until_it_is_answered():
    site = make_site()
    staff = make_staff(site=site)
    kiosk, _secret = enrol_kiosk(site=site, name="Entrance", kind="kiosk", by=staff, now=NOW)

    for minute in (0, 1):
        call_somebody(kiosk=kiosk, now=NOW + minutes(minute))
    told = list(Notice.objects.filter(person=staff).values_list("kind", "read_at"))
    answer_call(kiosk=kiosk, now=NOW + minutes(2))
    call_somebody(kiosk=kiosk, now=NOW + minutes(3))

    assert told == [("kiosk_call", None)]
    assert Notice.objects.count() == 2
    assert Notice.objects.unread().count() == 1
    assert "Entrance" in messages_of(person=staff, now=NOW + minutes(4))[0].words.subject
    assert messages_of(person=staff, now=NOW + minutes(60)) == []
