"""Loans as the desk works with them: parts ticked or scanned, the list to call from, and who sees how it looked."""

import datetime as dt
import io
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation
from PIL import Image

from fablab.personal.purge import purge
from machines.models import Outage
from people.erasure import erase_person
from people.models import FileAccess, Notice
from people.notices.kinds import kind_of
from reservations.lent import is_still_out
from reservations.loan_photos import photo_files_of, photos_past_their_time
from reservations.loans import take_back
from reservations.messages import moment_words
from reservations.models import Condition, HeldUnit, Loan, LoanPhoto, Reservation, Status
from reservations.services import create_reservation
from tests.api.lab import Lab, hold, make_lab
from tests.fablab.rows.loans import lend, lent_out
from tests.fablab.test_query_counts import MOST, is_frame
from tests.factories import make_category, make_machine, make_person, minutes, turn_off

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
DAY = dt.timedelta(days=1)


@pytest.fixture
def lab() -> Lab:
    return make_lab()


@pytest.fixture
def desk(lab: Lab) -> Client:
    return lab.client("mediator")


@pytest.fixture
def out(lab: Lab) -> Loan:
    return lend(lab)


@pytest.fixture
def kit(lab: Lab) -> Reservation:
    """A case with a camera and a tripod, reserved from now on."""
    now = timezone.now()
    case = make_machine(site=lab.site, category=make_category(is_lent=True), name="Case")
    made = hold(case, lab.people["holder"], now - minutes(5), now + DAY)
    whole = made.held_units.get()
    for name in ("Camera", "Tripod"):
        part = make_machine(site=lab.site, name=name)
        HeldUnit.objects.create(
            reservation=made, unit_id=part.unit_id, period=whole.period, blocked=whole.blocked
        )  # fmt: skip
    return made


def page(client: Client, name: str, *args: object) -> str:
    response = client.get(reverse(name, args=args))
    assert response.status_code == 200
    return response.content.decode()


def things(made: Reservation) -> dict[str, str]:
    """The name of each thing's field, by the thing's name."""
    rows = made.held_units.select_related("unit__machine")
    return {row.unit.machine.name: f"thing-{row.unit.machine.pk}" for row in rows}


def picture() -> SimpleUploadedFile:
    stream = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(stream, "PNG")
    return SimpleUploadedFile("x.png", stream.getvalue(), "image/png")


def test_kit_is_handed_over_and_taken_back(desk: Client, kit: Reservation) -> None:
    url, names = reverse("desk-loan", args=[kit.reference]), things(kit)

    left = desk.post(url, {names[name]: "1" for name in names} | {"note": "With its bag", "do": "done"}, follow=True)
    back = desk.post(url, {names[name]: "1" for name in names} | {names["Camera"]: "3", "do": "done"}, follow=True)

    kit.refresh_from_db()
    assert "Case is handed over. It is due back:" in left.content.decode()
    assert "Case is back." in back.content.decode()
    assert (kit.status, is_still_out(kit)) == (Status.COMPLETED, False)
    assert Outage.objects.get().machine.name == "Camera"


def test_part_that_is_not_ticked_is_asked_for_beside_it(desk: Client, kit: Reservation) -> None:
    url, names = reverse("desk-loan", args=[kit.reference]), things(kit)

    response = desk.post(url, {names["Case"]: "1", names["Camera"]: "2", "do": "done"})

    text = response.content.decode()
    assert (response.status_code, text.count("Not ticked yet: how does it look?")) == (400, 2)
    assert f'href="#id_{names["Tripod"]}"' in text
    assert not Loan.objects.exists()


def test_reserving_what_leaves_the_place_says_when_to_bring_it_back(lab: Lab) -> None:
    bag = make_machine(site=lab.site, category=make_category(is_lent=True, longest=dt.timedelta(days=7)), name="Bag")
    start = (timezone.now() + DAY).replace(hour=12, minute=0, second=0, microsecond=0)
    end = start + 2 * DAY
    data = {"machine": bag.slug, "day": f"{start:%Y-%m-%d}", "start_at": f"{start:%Y-%m-%dT%H:%M:%SZ}",
            "end_at": f"{end:%Y-%m-%dT%H:%M:%SZ}", "start": "12:00", "end": "12:00"}  # fmt: skip
    maker = lab.client("holder")
    with translation.override("en"):
        due = moment_words(end, lab.site.zone)

    asked = maker.get(reverse("reserve-confirm"), data)
    done = maker.post(reverse("reserve-confirm"), data, follow=True)

    made = Reservation.objects.get(machine=bag)
    assert re.search(r"Bring it back</dt><dd>" + due.split(",")[0], asked.content.decode())
    assert f"Bring it back: {due}." in done.content.decode()
    assert f"Due: {due}" in re.sub(r"\s+", " ", page(maker, "reservation", made.reference))


@pytest.mark.parametrize(("is_lent", "is_said"), [(True, True), (False, False)], ids=["lent", "stays"])
def test_letters_about_what_leaves_the_place_say_when_it_is_due(lab: Lab, *, is_lent: bool, is_said: bool) -> None:
    bag = make_machine(site=lab.site, category=make_category(is_lent=is_lent), name="Bag")
    start = (timezone.now() + 3 * DAY).replace(hour=12, minute=0, second=0, microsecond=0)
    holder = make_person()

    made = create_reservation(
        machine=bag, start=start, end=start + minutes(60), holder=holder, by=lab.people["mediator"], now=timezone.now()
    )

    rows = Notice.objects.filter(person=holder, kind__in=["reservation_made", "reminder_start"])
    with translation.override("en"):
        texts = [kind_of(row.kind).words(row.params).body for row in rows]
        due = moment_words(made.end, lab.site.zone)
    assert [text.endswith(f"Bring it back: {due}.") for text in texts] == [is_said, is_said]


def test_too_early_is_said_to_the_team_and_what_was_ticked_and_typed_stays(
    lab: Lab, desk: Client, kit: Reservation
) -> None:
    start = timezone.now() + DAY
    Reservation.objects.filter(pk=kit.pk).update(start=start, end=start + DAY)
    url, names = reverse("desk-loan", args=[kit.reference]), things(kit)

    response = desk.post(url, {names[name]: "2" for name in names} | {"note": "With its bag", "do": "done"})

    text, form = response.content.decode(), response.context["form"]
    assert response.status_code == 400
    assert "It can be handed over from 10 minutes before its reservation begins" in text
    assert "check in" not in text
    assert [form[name].value() for name in names.values()] == ["2", "2", "2"]
    assert text.count(" checked") == 3
    assert 'value="With its bag"' in text
    assert not Loan.objects.exists()


@pytest.mark.parametrize("how", ["slug", "name", "address"])
def test_scanned_part_is_ticked_and_what_was_said_is_kept(desk: Client, kit: Reservation, how: str) -> None:
    url, names = reverse("desk-loan", args=[kit.reference]), things(kit)
    camera = kit.held_units.get(unit__machine__name="Camera").unit.machine
    scans = {"slug": camera.slug, "name": "camera", "address": f"https://lab.example{camera.get_absolute_url()}"}

    response = desk.post(url, {"scan": scans[how], "do": "scan", names["Case"]: "2", "note": "With its bag"})

    form = response.context["form"]
    assert (response.status_code, form.ticked) == (200, 2)
    assert (form[names["Camera"]].value(), form[names["Case"]].value()) == ("1", "2")
    assert "Camera is ticked." in response.content.decode()
    assert 'value="With its bag"' in response.content.decode()
    assert not Loan.objects.exists()


def test_scan_keeps_the_worse_condition_and_says_what_is_unknown(desk: Client, kit: Reservation) -> None:
    url, names = reverse("desk-loan", args=[kit.reference]), things(kit)

    damaged = desk.post(url, {"scan": "Camera", "do": "scan", names["Camera"]: "3"})
    unknown = desk.post(url, {"scan": "https://lab.example/machines/laser/", "do": "scan"})

    assert damaged.context["form"][names["Camera"]].value() == "3"
    assert "is none of these things" in unknown.content.decode()


def test_thing_itself_cannot_be_missing(desk: Client, kit: Reservation) -> None:
    form = desk.get(reverse("desk-loan", args=[kit.reference])).context["form"]

    missing = {machine.name: Condition.MISSING in dict(form.fields[f"thing-{machine.pk}"].choices)
               for machine in form.things}  # fmt: skip

    assert missing == {"Case": False, "Camera": True, "Tripod": True}


def test_list_says_who_is_late_first_with_their_number_and_notes_that_it_was_read(
    lab: Lab, desk: Client, out: Loan
) -> None:
    now = timezone.now()
    late = make_machine(site=lab.site, category=out.reservation.machine.category, name="Laptop 3")
    lent_out(late, make_person(first_name="Odette", phone="02 99 00 11 22"), now - 2 * DAY, now - minutes(30))

    text = page(desk, "desk-loans")

    assert text.index("Overdue: please call") < text.index("Laptop 3") < text.index("Laptop 2")
    assert "02 99 00 11 22" in text
    assert "To hand over today" in text
    assert "One loan is overdue" in text
    assert FileAccess.objects.filter(person__first_name="Odette", by=lab.people["mediator"]).exists()
    assert "One loan is overdue" in page(desk, "desk")


def test_list_says_what_to_do_where_nothing_is_lent(desk: Client) -> None:
    assert "What leaves the place is handed over and taken back here." in page(desk, "desk-loans")


def test_desk_hands_over_by_the_page_of_the_loan(desk: Client, kit: Reservation) -> None:
    text = page(desk, "desk")

    assert reverse("desk-loan", args=[kit.reference]) in text
    assert reverse("desk-reservation", args=[kit.reference, "check-in"]) not in text


def test_borrower_sees_what_they_have_and_until_when(lab: Lab, out: Loan) -> None:
    mine = page(lab.client("holder"), "me")
    text = page(lab.client("holder"), "reservation", out.reservation.reference)

    assert "Your loans" in mine
    assert "Laptop 2" in mine
    assert "What was handed over" in text
    assert "when it left: good" in text
    assert reverse("loan-photo", args=[LoanPhoto.objects.get().pk]) in text
    assert "Finish now" not in text
    assert "Extend until" in text


def test_borrower_who_checks_in_alone_is_sent_to_the_desk(lab: Lab, kit: Reservation) -> None:
    response = lab.client("holder").post(
        reverse("reservation-action", args=[kit.reference, "check-in"]), follow=True
    )  # fmt: skip

    assert "It is handed over at the desk: ask the team." in response.content.decode()


def test_photo_is_kept_and_what_is_no_picture_is_not(desk: Client, out: Loan) -> None:
    url, item = reverse("desk-loan-photo", args=[out.reservation.reference]), out.items.get()

    kept = desk.post(url, {"item": item.pk, "picture": picture()}, follow=True)
    not_kept = desk.post(url, {"item": item.pk, "picture": SimpleUploadedFile("x.jpg", b"%PDF")}, follow=True)

    assert "The photo is kept." in kept.content.decode()
    assert "The photo could not be read." in not_kept.content.decode()
    shown = desk.get(reverse("loan-photo", args=[LoanPhoto.objects.latest("pk").pk]))
    assert shown.headers["cache-control"] == "private, no-store"
    assert Image.open(io.BytesIO(shown.content)).format == "JPEG"


def test_loan_that_is_over_has_no_checklist(desk: Client, lab: Lab, out: Loan) -> None:
    mediator = lab.people["mediator"]
    assert mediator is not None
    conditions = {item.machine_id: Condition.GOOD for item in out.items.all()}
    take_back(loan=out, conditions=conditions, by=mediator, now=timezone.now())

    response = desk.get(reverse("desk-loan", args=[out.reservation.reference]))

    assert response.context["form"] is None
    assert "Laptop 2 is back" in response.content.decode()


def test_without_a_desk_nothing_leaves(lab: Lab, out: Loan) -> None:
    turn_off("desk")

    text = page(lab.client("mediator"), "reservation", out.reservation.reference)

    assert "/desk/loans/" not in text
    form = lab.client("manager").get(reverse("settings-category-new")).context["form"]
    assert "is_lent" not in form.fields


def test_manager_says_what_leaves_the_place(lab: Lab) -> None:
    form = lab.client("manager").get(reverse("settings-category-new")).context["form"]

    assert "is_lent" in form.fields


def test_photos_go_with_the_person_and_their_files_too(lab: Lab, out: Loan, django_capture_on_commit_callbacks) -> None:
    holder = lab.people["holder"]
    assert holder is not None
    photo = LoanPhoto.objects.get()
    storage, name = photo.image.storage, photo.image.name
    assert [archived for archived, _path in photo_files_of(holder)] == [
        f"loans/{out.reservation.reference}-{out.reservation.machine.slug}-{photo.pk}.jpg"
    ]
    Reservation.objects.filter(status=Status.IN_USE).update(status=Status.COMPLETED)
    lab.job.delete()

    with django_capture_on_commit_callbacks(execute=True):
        erase_person(person=holder, by=None, now=timezone.now())

    assert not LoanPhoto.objects.exists()
    assert not storage.exists(name)


def test_photos_go_when_their_time_is_over_but_not_of_what_is_still_out(out: Loan) -> None:
    now = timezone.now()
    years = now + 800 * DAY

    assert photos_past_their_time(years).count() == 0
    Loan.objects.update(returned_at=now)
    assert (photos_past_their_time(now).count(), photos_past_their_time(years).count()) == (0, 1)


def test_nightly_purge_knows_the_photos(out: Loan) -> None:
    now = timezone.now()
    Loan.objects.update(returned_at=now)

    found = purge(now=now + 800 * DAY, is_dry=True)

    assert found.counts["reservations.LoanPhoto: photos"] == 1


@pytest.mark.parametrize("address", ["desk", "desk-loans", "me", "desk-loan", "reservation"])
def test_page_takes_few_queries_however_many_loans(lab: Lab, out: Loan, address: str) -> None:
    holder, kind, now = lab.people["holder"], out.reservation.machine.category, timezone.now()
    args = [out.reservation.reference] if address in ("desk-loan", "reservation") else []
    few = _queries(lab.client("mediator"), reverse(address, args=args))
    for n in range(12):
        machine = make_machine(site=lab.site, category=kind, name=f"Laptop {n + 10}")
        lent_out(machine, holder if address == "me" else make_person(), now - 3 * DAY, now + (n - 6) * minutes(180))

    many = _queries(lab.client("mediator"), reverse(address, args=args))

    assert len(many) <= MOST, "\n".join(many)
    assert len(many) <= len(few) + 1, "\n".join(many)


def _queries(client: Client, url: str) -> list[str]:
    client.get(url)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return [row["sql"] for row in captured.captured_queries if not is_frame(row["sql"])]
