"""Sign-ins on an enrolled screen end by themselves: after idle minutes, with the seat, and with the enrolment."""

import datetime as dt
import re

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from fablab.kiosk_session import COOKIE, MARK
from people.kiosks import revoke_kiosk
from people.models import Module
from reservations.models import Reservation, Status
from tests.fablab.kiosk_screen import Screen, hold_seat
from tests.factories import make_person, minutes, turn_off

pytestmark = pytest.mark.django_db


def body(response):
    return response.content.decode()


class TestIdle:
    @pytest.mark.parametrize(("rested_s", "is_in"), [(590, True), (601, False)], ids=["just before", "after"])
    def test_sign_in_ends_after_idle_minutes(self, screen, rested_s, is_in):
        screen.sign_in(make_person())

        screen.rest(rested_s)

        assert screen.is_signed_in is is_in

    def test_end_leads_to_the_first_page_and_says_why(self, screen):
        screen.sign_in(make_person(language="en"))
        screen.rest(700)

        response = screen.client.get("/reserve/", follow=True)

        assert response.redirect_chain == [("/kiosk/?ended=idle", 302)]
        assert "nobody had touched this screen for 10 minutes" in response.content.decode()

    def test_live_part_of_a_page_is_led_away_whole(self, screen):
        screen.sign_in(make_person())
        screen.rest(700)

        response = screen.client.get("/board/", headers={"HX-Request": "true"})

        assert response.headers["HX-Redirect"] == "/kiosk/?ended=idle"

    @pytest.mark.parametrize(
        ("ask", "counts"),
        [
            (lambda c: c.get("/reserve/"), True),
            (lambda c: c.post("/kiosk/still-here/"), True),
            (lambda c: c.get("/kiosk/still-here/"), False),
            (lambda c: c.get("/api/v1/machines/"), False),
            (lambda c: c.get("/machines/", headers={"HX-Request": "true"}), False),
            (lambda c: c.get("/kiosk/?ended=reset", follow=True), False),
            (lambda c: c.get("/machines/?again=1"), False),
        ],
        ids=["a page", "a yes", "the question", "a program", "a live part", "the end of a page's time", "a refresh"],
    )
    def test_only_what_somebody_did_begins_the_time_anew(self, screen, ask, counts):
        screen.sign_in(make_person())
        screen.rest(500)

        ask(screen.client)

        screen.rest(200)
        assert screen.is_signed_in is counts

    def test_pages_left_alone_without_javascript_end_the_sign_in(self, screen):
        screen.sign_in(make_person())
        at = screen.client.session[MARK]["at"]
        visited = []

        with time_machine.travel(at + 0.7, tick=False) as clock:
            page = screen.client.get("/kiosk/mine/")
            for _round in range(5):
                seconds, address = re.search(r'http-equiv="refresh" content="(\d+);url=([^"]+)"', body(page)).groups()
                clock.shift(int(seconds))
                page = screen.client.get(address.replace("&amp;", "&"), follow=True)
                visited.append(page.redirect_chain[-1][0] if page.redirect_chain else address)

        assert visited[:2] == ["/kiosk/still-here/?next=/kiosk/mine/", "/kiosk/?ended=idle"]
        assert not screen.is_signed_in

    def test_sign_in_by_password_ends_too(self, screen):
        screen.client.force_login(make_person())
        screen.client.get("/me/")

        screen.rest(700)

        assert not screen.is_signed_in

    def test_other_browsers_stay_signed_in(self, screen):
        client = Client()
        client.force_login(make_person())

        assert client.get("/me/").status_code == 200
        assert MARK not in client.session

    def test_warning_comes_a_minute_before_without_javascript(self, screen):
        screen.sign_in(make_person(language="en"))
        page = screen.client.get("/kiosk/mine/").content.decode()
        screen.rest(545)

        question = screen.client.get("/kiosk/still-here/?next=/reserve/").content.decode()
        answer = screen.client.post("/kiosk/still-here/", {"next": "/reserve/"})

        assert 'content="540;url=/kiosk/still-here/?next=/kiosk/mine/"' in page
        assert re.search(r'content="5[0-9];url=/kiosk/\?ended=reset"', question)
        assert answer.url == "/reserve/"
        assert screen.is_signed_in

    @pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
    def test_yes_leads_nowhere_else(self, screen, to):
        assert screen.client.post("/kiosk/still-here/", {"next": to}).url == "/kiosk/"

    def test_leaving_signs_out(self, screen):
        screen.sign_in(make_person())

        response = screen.client.post("/kiosk/leave/", {"why": "left"})

        assert response.url == "/kiosk/?ended=left"
        assert not screen.is_signed_in

    def test_leaving_is_for_screens_only(self, screen):
        client = Client()
        client.force_login(make_person())

        assert client.post("/kiosk/leave/").status_code == 403
        assert client.get("/me/").status_code == 200


class TestSeat:
    def test_sign_in_ends_when_the_seat_is_finished(self, computer):
        screen, machine = computer
        member = make_person()
        seat = hold_seat(machine, holder=member)
        screen.sign_in(member)
        assert screen.is_signed_in

        Reservation.objects.filter(pk=seat.pk).update(status=Status.COMPLETED, finished_at=timezone.now())

        assert screen.client.get("/me/").url == "/kiosk/?ended=seat"

    def test_sign_in_ends_with_the_seats_time_and_lasts_when_it_is_extended(self, computer):
        screen, machine = computer
        seat = hold_seat(machine)  # a ticket without a name
        screen.sign_in(make_person())
        assert screen.is_signed_in

        Reservation.objects.filter(pk=seat.pk).update(end=timezone.now() + minutes(90))
        was_extended = screen.is_signed_in
        Reservation.objects.filter(pk=seat.pk).update(end=timezone.now() - dt.timedelta(seconds=1))

        assert was_extended
        assert screen.client.get("/me/").url == "/kiosk/?ended=seat"

    def test_seat_of_somebody_else_ends_the_sign_in(self, computer):
        screen, machine = computer
        screen.sign_in(make_person())
        assert screen.is_signed_in

        hold_seat(machine, holder=make_person())

        assert screen.client.get("/me/").url == "/kiosk/?ended=seat"

    def test_computer_that_somebody_has_is_refused_and_the_code_kept(self, computer):
        screen, machine = computer
        hold_seat(machine, holder=make_person())
        member = make_person(language="en")
        code = screen.code_for(member)

        refused = screen.sign_in(member, code)
        Reservation.objects.update(status=Status.COMPLETED, finished_at=timezone.now())

        assert refused.status_code == 409
        assert "your code still works" in refused.content.decode()
        assert screen.sign_in(member, code).url == "/kiosk/mine/"

    def test_page_warns_before_the_seat_ends(self, computer):
        screen, machine = computer
        member = make_person(language="en")
        hold_seat(machine, holder=member, ends_in=3)
        screen.sign_in(member)

        page = screen.client.get("/kiosk/mine/").content.decode()

        assert re.search(r'data-seat-s="1[678][0-9]"', page)
        assert re.search(r'content="1[012][0-9];url=/kiosk/still-here/', page)

    def test_kiosk_at_the_entrance_has_no_seat(self, screen):
        member = make_person()
        screen.sign_in(member)

        assert screen.is_signed_in


def test_screen_revoked_between_two_pages_ends_the_sign_in():
    screen = Screen()
    screen.sign_in(make_person())
    revoke_kiosk(kiosk=screen.kiosk, by=screen.manager, now=timezone.now())

    assert not screen.is_signed_in


def test_session_moved_to_another_screen_ends():
    screen = Screen()
    screen.sign_in(make_person())

    screen.client.cookies[COOKIE] = Screen().client.cookies[COOKIE].value

    assert screen.client.get("/me/").url == "/kiosk/?ended=revoked"


def test_lab_without_the_module_has_no_screens():
    screen = Screen()
    screen.sign_in(make_person())
    turn_off(Module.KIOSK)

    assert not screen.is_signed_in
    assert screen.client.get("/kiosk/").status_code == 404
