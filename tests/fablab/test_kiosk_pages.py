"""On an enrolled screen: card and one-time code, and four plain choices. On every other: nothing."""

import datetime as dt
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone

from fablab.kiosk_session import COOKIE
from people.access import issue_code
from people.kiosks import call_somebody
from people.models import Kiosk, Role
from reservations.models import Refusal, Reservation
from tests.fablab.kiosk_screen import ENGLISH, hold_seat
from tests.factories import give_role, make_machine, make_person, make_site, make_staff

pytestmark = pytest.mark.django_db


class TestEnrolling:
    def test_browser_becomes_a_screen_that_is_nobodys(self, screen):
        cookie = screen.client.cookies[COOKIE]

        assert screen.enrolled.url == "/kiosk/"
        assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Strict", 400 * 24 * 3600)
        assert screen.client.get("/me/").status_code == 302
        assert "I have a card" in screen.client.get("/kiosk/").content.decode()

    def test_cookie_of_another_make_is_no_screen(self, screen):
        client = Client(headers=ENGLISH)
        client.cookies[COOKIE] = screen.client.cookies[COOKIE].value + "x"

        assert client.get("/kiosk/card/").status_code == 403

    def test_revoked_screen_is_one_no_more(self, screen):
        member = make_person()
        screen.sign_in(member)
        team = Client()
        team.force_login(screen.manager)

        team.post(f"/manage/kiosks/{screen.kiosk.reference}/revoke/")

        assert screen.client.get("/me/").url == "/kiosk/?ended=revoked"
        assert screen.client.get("/kiosk/card/").status_code == 403
        assert not screen.is_signed_in

    def test_revoking_frees_the_machine(self, computer):
        screen, machine = computer
        team = Client()
        team.force_login(screen.manager)

        team.post(f"/manage/kiosks/{screen.kiosk.reference}/revoke/")

        machine.refresh_from_db()
        assert machine.kiosk is None

    def test_shared_computer_is_tied_to_its_machine(self):
        site = make_site()
        machine, manager = make_machine(site=site), make_staff(site=site, role=Role.FAB_MANAGER)
        client = Client()
        client.force_login(manager)
        form = {"name": "PC 1", "kind": "shared_pc", "site": site.pk, "machine": machine.pk, "idle_min": 5}

        client.post("/manage/kiosks/enrol/", form)

        machine.refresh_from_db()
        assert machine.kiosk.name == "PC 1"

    @pytest.mark.parametrize(
        ("changed", "error"),
        [
            ({"name": ""}, "required"),
            ({"idle_min": 0}, "greater than or equal to 1"),
            ({"kind": "kiosk"}, "Only a computer that many share"),
            ({"machine": "elsewhere"}, "valid choice"),
        ],
        ids=["no name", "no minutes", "machine of a kiosk", "machine of another site"],
    )
    def test_mistakes_are_told(self, changed, error):
        site = make_site()
        machine, elsewhere = make_machine(site=site), make_machine(site=make_site())
        client = Client(headers=ENGLISH)
        client.force_login(make_staff(site=site, role=Role.FAB_MANAGER))
        form = {"name": "PC", "kind": "shared_pc", "site": site.pk, "machine": machine.pk, "idle_min": 5} | changed
        form["machine"] = elsewhere.pk if form["machine"] == "elsewhere" else form["machine"]

        response = client.post("/manage/kiosks/enrol/", form)

        assert response.status_code == 400
        assert error in response.content.decode()
        assert not Kiosk.objects.exists()


KEPT_AWAY = (
    "/me/tokens/", "/accounts/password/change/", "/me/second-key/", "/me/data/", "/me/data/export/", "/me/calendar/",
)  # fmt: skip


class TestSigningIn:
    def test_card_then_code(self, screen):
        member = make_person(first_name="Zoé", language="en")
        code = screen.code_for(member)

        asked = screen.client.post("/kiosk/card/", {"card": member.card_code}).content.decode()
        inside = screen.client.post("/kiosk/card/", {"card": member.card_code, "code": code}, follow=True)

        assert "Type your one-time code" in asked
        assert "Hello Zoé" in inside.content.decode()
        assert screen.is_signed_in

    def test_page_speaks_the_persons_language_and_the_next_one_the_browsers(self, screen):
        screen.sign_in(make_person(first_name="Zoé", language="fr"))
        inside = screen.client.get("/kiosk/mine/")

        screen.client.post("/kiosk/leave/")

        assert inside.headers["content-language"] == "fr"
        assert screen.client.get("/kiosk/").headers["content-language"] == "en"

    @pytest.mark.parametrize(
        ("make", "words"),
        [
            (lambda screen: (make_person(), "000000x"), "do not go together"),
            (lambda screen: (make_staff(site=screen.site), None), "sign in with your password"),
            (lambda screen: (make_person(is_active=False), None), "do not go together"),
        ],
        ids=["wrong code", "of the team", "gone"],
    )
    def test_refusal_is_told_and_nobody_is_signed_in(self, screen, make, words):
        person, code = make(screen)
        if code is None:
            chief = make_person(is_superuser=True)
            code = issue_code(person=person, by=chief, now=timezone.now())

        response = screen.sign_in(person, code)

        assert response.status_code == 409
        assert words in response.content.decode()
        assert not screen.is_signed_in

    def test_five_wrong_codes_use_the_right_one_up(self, screen):
        member = make_person()
        code = screen.code_for(member)
        wrong = [screen.sign_in(member, f"{(int(code) + n) % 10**6:06d}") for n in range(1, 6)]

        response = screen.sign_in(member, code)

        assert {answer.status_code for answer in wrong} == {409}
        assert response.status_code == 409
        assert not screen.is_signed_in

    def test_reservation_made_on_the_screen_says_so(self, screen):
        machine, member = make_machine(site=screen.site), make_person()
        day = timezone.now().date() + dt.timedelta(days=2)
        asked = {"machine": machine.slug, "day": day, "start": "10:00", "end": "11:00"}
        screen.sign_in(member)
        elsewhere = Client()
        elsewhere.force_login(member, backend="people.sign_in_backends.PersonBackend")

        screen.client.post("/reserve/confirm/", asked)
        elsewhere.post("/reserve/confirm/", asked | {"start": "14:00", "end": "15:00"})
        screen.client.post("/reserve/confirm/", asked)
        screen.client.get(f"/reserve/confirm/?{urlencode(asked)}")

        assert [r.origin for r in Reservation.objects.order_by("start")] == ["kiosk", "page"]
        assert {refusal.origin for refusal in Refusal.objects.all()} == {"kiosk"}

    def test_card_is_asked_for_again_when_it_is_missing(self, screen):
        response = screen.client.post("/kiosk/card/", {"card": " "})

        assert response.status_code == 400
        assert "The card is missing" in response.content.decode()

    def test_code_works_on_no_other_screen(self, screen):
        member = make_person()
        code = screen.code_for(member)
        elsewhere = Client(headers=ENGLISH)

        response = elsewhere.post("/kiosk/card/", {"card": member.card_code, "code": code})

        assert response.status_code == 403
        assert "screens in the lab" in response.content.decode()
        assert screen.sign_in(member, code).url == "/kiosk/mine/"

    def test_keys_and_passwords_are_kept_away(self, screen):
        screen.sign_in(make_person())

        answers = {path: screen.client.get(path).url for path in KEPT_AWAY}

        assert set(answers.values()) == {"/kiosk/mine/?not_here=1"}

    def test_own_reservations_of_today_are_shown_with_what_can_be_done(self, screen):
        member = make_person(language="en")
        machine = make_machine(site=screen.site, name="Laser 7")
        hold_seat(machine, holder=member)
        hold_seat(make_machine(site=screen.site, name="Hidden"), holder=make_person())
        screen.sign_in(member)

        page = screen.client.get("/kiosk/mine/").content.decode()

        assert "Laser 7" in page
        assert "/finish/" in page
        assert "Hidden" not in page


class TestChoices:
    def test_call_is_seen_by_the_team_until_somebody_goes_there(self, screen):
        team = Client(headers=ENGLISH)
        team.force_login(screen.manager)

        screen.client.post("/kiosk/help/")
        waiting = team.get("/manage/kiosks/").content.decode()
        team.post(f"/manage/kiosks/{screen.kiosk.reference}/answer/")

        assert "The team can see that you wait" not in screen.client.get("/kiosk/help/").content.decode()
        assert "somebody has been waiting there since" in waiting
        assert "somebody waits" not in team.get("/manage/kiosks/").content.decode()

    def test_free_machines_are_those_of_the_site(self, screen):
        make_machine(site=screen.site, name="Here 1")
        make_machine(site=make_site(), name="Elsewhere 1")

        page = screen.client.get("/kiosk/free/").content.decode()

        assert "Here 1" in page
        assert "Elsewhere 1" not in page

    def test_today_tells_what_is_announced_and_nothing_of_anybodys(self, screen):
        member = make_person(last_name="Quillfeather")
        hold_seat(make_machine(site=screen.site, name="Laser 7"), holder=member)
        seat = hold_seat(make_machine(site=screen.site, name="Sewing 1"))
        Reservation.objects.filter(pk=seat.pk).update(title="Weekly sewing")

        page = screen.client.get("/kiosk/today/").content.decode()

        assert "Weekly sewing" in page
        assert "Laser 7" not in page
        assert "Quillfeather" not in page


class TestOtherSites:
    def test_manager_of_another_site_sees_and_changes_no_screen_of_ours(self, screen):
        call_somebody(kiosk=screen.kiosk, now=timezone.now())
        stranger = make_staff(site=make_site(), role=Role.FAB_MANAGER)
        client = Client(headers=ENGLISH)
        client.force_login(stranger)

        page = client.get("/manage/kiosks/").content.decode()
        answers = [
            client.post(f"/manage/kiosks/{screen.kiosk.reference}/{deed}/").status_code for deed in ("revoke", "answer")
        ]

        assert "Door" not in page
        assert answers == [403, 403]
        assert Kiosk.objects.enrolled().filter(pk=screen.kiosk.pk).exists()

    def test_member_of_two_sites_may_come_in_at_either(self, screen):
        member = make_person()
        give_role(person=member, site=make_site())

        assert screen.sign_in(member).url == "/kiosk/mine/"
