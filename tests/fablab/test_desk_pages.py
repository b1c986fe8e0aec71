"""The desk, as the team uses it: few taps, undo, reasons, and nothing of another site."""

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from machines.models import Category, Machine
from people.kiosks import call_somebody, enrol_kiosk
from people.models import Delivery, FileAccess, Kiosk, Notice, Person, Visit
from reservations.models import HeldUnit, Reservation, Status
from tests.api.lab import Lab, hold, make_lab
from tests.factories import make_category, make_machine, make_room, minutes, turn_off

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
SENIOR = {"first_name": "Odette", "last_name": "Brun", "birth_year": "1944", "town": "Tours"}


@pytest.fixture
def lab() -> Lab:
    return make_lab()


@pytest.fixture
def desk(lab: Lab) -> Client:
    return lab.client("mediator")


@pytest.fixture
def seat(lab: Lab) -> Machine:
    return make_machine(site=lab.site, name="PC 1", category=make_category(is_seat=True))


def page(client: Client, name: str, *args: object, **query: str) -> str:
    response = client.get(reverse(name, args=args), query)
    assert response.status_code == 200
    return response.content.decode()


def test_somebody_new_is_welcomed_and_sits_down(desk: Client, seat: Machine) -> None:
    welcomed = desk.post(reverse("desk-welcome"), SENIOR)
    person = Person.objects.get(last_name="Brun")
    seated = desk.post(reverse("desk-seat", args=[seat.slug]), {"for": person.reference, "minutes": "60"})

    made = Reservation.objects.get(holder=person)
    assert welcomed.headers["location"] == reverse("desk-person", args=[person.reference])
    assert seated.headers["location"] == reverse("desk-ticket", args=[made.reference])
    assert Visit.objects.present().filter(person=person).exists()
    assert (made.status, made.machine, person.contact_email, person.town) == (Status.IN_USE, seat, "", "Tours")


def test_somebody_alike_is_shown_before_a_second_file_is_made(desk: Client) -> None:
    desk.post(reverse("desk-welcome"), SENIOR)

    again = desk.post(reverse("desk-welcome"), SENIOR | {"first_name": "odette"})
    anyway = desk.post(reverse("desk-welcome"), SENIOR | {"anyway": "1"})

    assert "Is it one of these?" in again.content.decode()
    assert anyway.status_code == 302
    assert Person.objects.filter(last_name="Brun").count() == 2


def test_child_needs_a_responsible_adult_and_nothing_typed_is_lost(desk: Client) -> None:
    child = {"first_name": "Lou", "last_name": "Petit", "birth_year": str(timezone.now().year - 9), "town": "Tours"}

    refused = desk.post(reverse("desk-welcome"), child)
    with_adult = child | {"guardian_name": "Max Petit", "guardian_phone": "06 11 22 33 44"}
    welcomed = desk.post(reverse("desk-welcome"), with_adult)

    text = refused.content.decode()
    assert refused.status_code == 400
    assert 'name="guardian_name"' in text
    assert 'value="Petit"' in text
    assert welcomed.status_code == 302


@pytest.mark.parametrize("year", ["194", "abcd", "99999999999", "-5"], ids=["short", "letters", "long", "negative"])
def test_rubbish_year_gets_a_sentence(desk: Client, year: str) -> None:
    response = desk.post(reverse("desk-welcome"), SENIOR | {"birth_year": year})

    assert response.status_code == 400
    assert not Person.objects.filter(last_name="Brun").exists()


def test_leaving_can_be_undone(lab: Lab, desk: Client) -> None:
    desk.post(reverse("desk-arrives"), {"person": lab.people["holder"].reference})
    visit = Visit.objects.get()

    desk.post(reverse("desk-leaves", args=[visit.pk]))
    offered = page(desk, "desk")
    desk.post(reverse("desk-leaves", args=[visit.pk]), {"undo": "1"})

    visit.refresh_from_db()
    assert "has left." in offered
    assert visit.left_at is None


def test_people_without_a_name_are_counted(desk: Client) -> None:
    desk.post(reverse("desk-arrives"), {"headcount": "4", "age_band": "soixante_dix_plus"})
    refused = desk.post(reverse("desk-arrives"), {"headcount": "0", "age_band": "soixante_dix_plus"}, follow=True)

    assert "4 people are here" in page(desk, "desk")
    assert "Write how many people came" in refused.content.decode()


def test_seat_that_cannot_start_says_why_and_what_instead(lab: Lab, desk: Client, seat: Machine) -> None:
    hold(seat, None, timezone.now() + minutes(10), timezone.now() + minutes(100))

    response = desk.post(reverse("desk-seat", args=[seat.slug]), {"for": "ticket", "minutes": "60"})

    text = response.content.decode()
    assert response.status_code == 409
    assert "It is already taken from" in text


def test_seat_is_extended_and_ended_by_hand(desk: Client, seat: Machine) -> None:
    desk.post(reverse("desk-seat", args=[seat.slug]), {"for": "ticket", "minutes": "30"})
    made = Reservation.objects.get(machine=seat)

    desk.post(reverse("desk-reservation", args=[made.reference, "extend"]))
    longer = Reservation.objects.get(pk=made.pk)
    desk.post(reverse("desk-reservation", args=[made.reference, "finish"]))

    ended = Reservation.objects.get(pk=made.pk)
    assert longer.end == made.end + minutes(30)
    assert ended.status in (Status.COMPLETED, Status.CANCELLED)


def test_reserving_for_somebody_ends_at_their_ticket(lab: Lab, desk: Client) -> None:
    other = lab.people["other"]
    day = (timezone.now() + dt.timedelta(days=3)).date().isoformat()
    data = {"machine": lab.laser.slug, "day": day, "start": "10:00", "end": "11:00", "for": other.reference}

    response = desk.post(reverse("reserve-confirm"), data)

    made = Reservation.objects.get(holder=other)
    assert response.headers["location"] == reverse("desk-ticket", args=[made.reference])
    assert (made.created_by, made.origin) == (lab.people["mediator"], "desk")
    assert FileAccess.objects.filter(person=other, deed="reserved").exists()


def test_member_reserves_for_nobody_else(lab: Lab) -> None:
    data = {"machine": lab.laser.slug, "day": "2030-01-01", "start": "10:00", "end": "11:00", "for": "ticket"}

    response = lab.client("other").post(reverse("reserve-confirm"), data)

    assert response.status_code == 403


@pytest.mark.parametrize("paper", ["a5", "80mm"])
def test_ticket_is_printed(lab: Lab, desk: Client, paper: str) -> None:
    response = desk.get(reverse("desk-ticket-file", args=[lab.coming.reference, paper]))

    assert response.headers["content-type"] == "application/pdf"
    assert response.content.startswith(b"%PDF-")
    assert len(response.content) > 4000


def test_group_series_holds_room_and_machines(lab: Lab, desk: Client) -> None:
    room = make_room(site=lab.site, name="Sewing room")
    start = timezone.now().date() + dt.timedelta(days=7)
    form = {
        "title": "Sewing workshop", "day": start.isoformat(), "opens": "14:00", "closes": "16:00",
        "rooms": [], "machines": [lab.laser.pk, lab.printer_machine.pk], "every_weeks": "1", "dates": "3",
    }  # fmt: skip
    assert room.unit is None

    desk.post(reverse("desk-groups"), form)

    made = Reservation.objects.filter(title="Sewing workshop")
    assert made.count() == 3
    assert HeldUnit.objects.filter(reservation__in=made).count() == 6
    assert "Sewing workshop" in page(Client(headers={"accept-language": "en"}), "machine", lab.laser.slug, day=start)


def test_group_that_is_refused_says_what_is_in_the_way(lab: Lab, desk: Client) -> None:
    day = lab.coming.start.astimezone(lab.site.zone)
    form = {
        "title": "Visit", "day": day.date().isoformat(), "opens": f"{day:%H:%M}", "closes": "23:59",
        "machines": [lab.laser.pk], "every_weeks": "0",
    }  # fmt: skip

    response = desk.post(reverse("desk-groups"), form)

    text = response.content.decode()
    assert response.status_code == 409
    assert "Laser is already taken" in text
    assert 'value="Visit"' in text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"machines": []}, "Tick at least one", id="nothing ticked"),
        pytest.param({"closes": "14:00"}, "The end comes after the start", id="no time at all"),
        pytest.param({"every_weeks": "1", "dates": ""}, "how many dates", id="how often is not said"),
        pytest.param({"every_weeks": "1", "dates": "4000"}, "60", id="too many dates"),
        pytest.param({"title": ""}, "required", id="no title"),
    ],
)
def test_group_form_asks_for_what_is_missing(lab: Lab, desk: Client, change: dict, said: str) -> None:
    form = {
        "title": "Visit", "day": "2030-05-05", "opens": "14:00", "closes": "15:00", "machines": [lab.laser.pk],
        "every_weeks": "0", "dates": "10",
    }  # fmt: skip

    response = desk.post(reverse("desk-groups"), form | change)

    assert response.status_code == 400
    assert said in response.content.decode()


def test_call_list_has_numbers_and_is_noted(lab: Lab, desk: Client) -> None:
    first, last = timezone.now().date(), timezone.now().date() + dt.timedelta(days=5)

    text = page(desk, "desk-calls", first=first.isoformat(), last=last.isoformat())

    assert "+33 6 99 88 77 66" in text
    assert FileAccess.objects.filter(person=lab.people["holder"], by=lab.people["mediator"]).exists()


def a_call_to_make(lab: Lab) -> Delivery:
    now = timezone.now()
    times = {"start": now.isoformat(), "end": (now + dt.timedelta(hours=1)).isoformat(), "zone": "UTC"}
    notice = Notice.objects.create(
        person=lab.people["other"], site=lab.site, kind="reservation_moved", key="call", created_at=now, due_at=now,
        params={"what": "Laser", "why": "", **times},
    )  # fmt: skip
    return Delivery.objects.create(notice=notice, channel="call", status="to_call")


@pytest.mark.parametrize(
    ("answer", "words", "status"),
    [("told", "knows: off the list", "called"), ("not-reached", "stays on the list, after the others", "to_call")],
)
def test_answer_of_a_call_is_kept(lab: Lab, desk: Client, answer: str, words: str, status: str) -> None:
    call = a_call_to_make(lab)

    said = desk.post(reverse("desk-call", args=[call.pk, answer]), follow=True).content.decode()

    call.refresh_from_db()
    assert words in said
    assert (call.status, call.attempts) == (status, 1)


@pytest.mark.parametrize("answer", ["told", "not-reached"])
def test_call_that_a_colleague_made_meanwhile_is_said_to_be_off_the_list(lab: Lab, desk: Client, answer: str) -> None:
    call, colleague = a_call_to_make(lab), lab.people["supervisor"]
    lab.client("supervisor").post(reverse("desk-call", args=[call.pk, "told"]))

    said = desk.post(reverse("desk-call", args=[call.pk, answer]), follow=True).content.decode()

    call.refresh_from_db()
    assert "is off the list already" in said
    assert "stays on the list" not in said
    assert "knows: off the list" not in said
    assert (call.status, call.attempts, call.done_by) == ("called", 1, colleague)


def test_call_without_an_answer_for_the_hundredth_time_stays_on_the_list(lab: Lab, desk: Client) -> None:
    call = a_call_to_make(lab)
    Delivery.objects.filter(pk=call.pk).update(attempts=99)

    said = desk.post(reverse("desk-call", args=[call.pk, "not-reached"]), follow=True).content.decode()

    assert "stays on the list, after the others" in said


def test_call_list_read_again_is_one_reading(lab: Lab, desk: Client) -> None:
    a_call_to_make(lab)

    for _time in range(3):
        page(desk, "desk-calls")

    assert FileAccess.objects.filter(person=lab.people["other"], by=lab.people["mediator"]).count() == 1


def test_desk_of_another_site_finds_and_shows_nobody_here(lab: Lab) -> None:
    desk = lab.client("elsewhere")
    Visit.objects.create(site=lab.site, person=lab.people["holder"], arrived_at=timezone.now())

    texts = page(desk, "desk", q="Quillfeather") + page(desk, "desk-calls", site=lab.site.slug)

    assert "Zorobabel" not in texts
    assert lab.coming.reference not in texts


def test_lab_without_a_desk_has_no_word_of_it(lab: Lab, desk: Client) -> None:
    turn_off("desk")

    gone = desk.get(reverse("desk"))

    assert gone.status_code == 404
    assert reverse("desk") not in page(desk, "me")


def test_seats_cost_the_same_queries_however_many(
    lab: Lab, desk: Client, seat: Machine, django_assert_max_num_queries
) -> None:
    category = Category.objects.get(pk=seat.category_id)
    for number in range(30):
        make_machine(site=lab.site, name=f"PC {number}", category=category)
    page(desk, "desk")

    with django_assert_max_num_queries(18):
        page(desk, "desk")


def test_call_from_a_kiosk_is_shown_and_answered(lab: Lab, desk: Client) -> None:
    manager = lab.people["manager"]
    kiosk, _token = enrol_kiosk(
        site=lab.site, name="Entrance", kind=Kiosk.Kind.KIOSK, idle_min=5, by=manager, now=timezone.now()
    )
    call_somebody(kiosk=kiosk, now=timezone.now())

    shown = page(desk, "desk")
    answered = desk.post(reverse("manage-kiosk-answer", args=[kiosk.reference]), {"next": "desk"})

    assert "Somebody has been waiting at “Entrance”" in shown
    assert answered.headers["location"] == reverse("desk")
    assert "Somebody waits" not in page(desk, "desk")


def test_what_was_undone_or_is_long_ago_is_offered_no_more(lab: Lab, desk: Client) -> None:
    desk.post(reverse("desk-arrives"), {"person": lab.people["holder"].reference})
    leaves = reverse("desk-leaves", args=[Visit.objects.get().pk])

    desk.post(leaves)
    desk.post(leaves, {"undo": "1"})
    undone = page(desk, "desk")
    desk.post(leaves)
    session = desk.session
    session["desk_left"] |= {"at": session["desk_left"]["at"] - 3600}
    session.save()

    assert "has left." not in undone
    assert "has left." not in page(desk, "desk")


def test_live_part_brings_the_heading_and_the_counts_along(lab: Lab, desk: Client) -> None:
    desk.post(reverse("desk-arrives"), {"person": lab.people["holder"].reference})

    live = desk.get(reverse("desk"), headers={"HX-Request": "true"}).content.decode()

    assert "one person is here" in live
    assert live.count('hx-swap-oob="true"') == 3
    assert "hx-swap-oob" not in page(desk, "desk")
