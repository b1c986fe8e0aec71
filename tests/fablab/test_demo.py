import datetime as dt
import itertools
import stat

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.urls import reverse

from fablab.demo.accounts import ACCOUNTS, MAKER, NEWCOMER
from fablab.demo.kept import DEVICES, OCTOPRINT, keep, read_kept
from fablab.demo.lab import BY_SLUG, DRIVEN_BY_OCTOPRINT, MACHINES, OUT_OF_SERVICE, UNREACHABLE
from fablab.demo.load import DemoRefused, load_demo
from fablab.demo.place import SITE_SLUG
from fablab.demo.runs import Run, power_samples
from fablab.lib.secretbox import unseal
from fablab.machine_status import State, machine_statuses
from iot.credentials import verify_password
from iot.models import Device, Reading, SeenDevice, UsageSession
from iot.power import BUSY, IDLE, Meter, Thresholds, step
from machines.models import BookingPolicy, Category, HouseRules, Machine, Outage, RulesSignature, Season
from people.models import Person, PersonGroup, Site, Suspension
from printing.models import Printer, PrintFile, PrintJob
from projects.models import LogEntry
from reservations.models import (
    CreditPack,
    HeldUnit,
    Loan,
    Quota,
    Refusal,
    Reservation,
    ReservationSeries,
    Status,
)
from reservations.services import create_reservation
from tests.factories import PARIS, make_machine, make_site

pytestmark = pytest.mark.slow

# A Monday evening: a day on which the week's hours say closed.
NOW = dt.datetime(2026, 5, 18, 20, 7, tzinfo=PARIS).astimezone(dt.UTC)
JUST_AFTER_MIDNIGHT = dt.datetime(2026, 5, 18, 0, 4, tzinfo=PARIS).astimezone(dt.UTC)
DAYS, LONGER = 4, 28
COUNTED = (Person, Machine, Device, Reservation, HeldUnit, Refusal, UsageSession, Reading, Outage, Suspension)


def load(data_dir, now=NOW, days=DAYS):
    lines = []
    load_demo(data_dir=data_dir, now=now, report=lines.append, days=days)
    return lines


def counts():
    return {model.__name__: model.objects.count() for model in COUNTED}


@pytest.fixture(autouse=True)
def files_of_its_own(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "files"


@pytest.fixture
def loaded(db, tmp_path):
    load(tmp_path)
    return tmp_path


def test_demo_has_the_lab_it_promises(loaded):
    found = {
        "machines": Machine.objects.count(),
        "categories": Category.objects.count(),
        "people": Person.objects.count(),
        "devices": Device.objects.exclude(password_hash="").count(),
        "plugs": Device.objects.filter(kind="tasmota").count(),
        "suspended": Suspension.objects.holding_at(NOW).count(),
    }

    assert found == {"machines": 14, "categories": 5, "people": 40, "devices": 12, "plugs": 1, "suspended": 1}
    assert Person.objects.filter(contact_email="").count() > 3


def test_history_comes_with_what_happens_in_a_lab(db, tmp_path):
    load(tmp_path, days=LONGER)

    past = Reservation.objects.filter(end__lt=NOW)

    assert past.filter(status=Status.COMPLETED).count() > 30
    assert past.filter(status=Status.CANCELLED).exists()
    assert past.filter(status=Status.COMPLETED, checked_in_at=None).exists()
    stays = past.filter(machine__category__is_lent=False)
    assert not stays.filter(status__in=[Status.CONFIRMED, Status.IN_USE]).exists()
    assert Refusal.objects.exists()
    assert UsageSession.objects.filter(reservation=None).exists()
    assert Reading.objects.filter(at__lt=NOW - dt.timedelta(days=8)).exists()


def test_sessions_of_a_machine_never_overlap(loaded):
    for machine in Machine.objects.all():
        spans = list(machine.usage_sessions.order_by("start").values_list("start", "end"))

        assert all(end <= following for (_, end), (following, _) in itertools.pairwise(spans)), machine


def test_claimed_session_carries_its_holder_and_its_energy(loaded):
    sessions = UsageSession.objects.exclude(reservation=None).select_related("reservation")

    assert all(session.person_id == session.reservation.holder_id for session in sessions)
    assert all(session.energy_wh and 0 < session.energy_wh < 5_000 for session in sessions.exclude(end=None))


def test_today_has_one_machine_out_one_unheard_and_some_in_use(loaded):
    statuses = {status.machine.slug: status.state for status in machine_statuses(list(all_machines()), NOW)}

    assert [slug for slug, state in statuses.items() if state == State.OUT] == [OUT_OF_SERVICE]
    assert statuses[UNREACHABLE] == State.NO_NEWS
    assert statuses["laser-60w"] == statuses["bambu-x1c"] == statuses["laptop-02"] == State.IN_USE
    device = Device.objects.get(slug=UNREACHABLE)
    assert dt.timedelta(minutes=1) < NOW - device.last_seen_at < dt.timedelta(minutes=15)


@pytest.mark.parametrize("days_later", [0, 1, 4, 9])
def test_one_thing_is_lent_and_one_is_overdue_whenever_it_is_loaded(loaded, days_later):
    now = NOW + dt.timedelta(days=days_later)
    load(loaded, now=now)

    found = Loan.objects.filter(returned_at=None).order_by("reservation__end")

    assert [loan.reservation.end > now for loan in found] == [False, True]


@pytest.mark.parametrize("now", [NOW, JUST_AFTER_MIDNIGHT], ids=["closed weekday evening", "just after midnight"])
def test_maker_can_reserve_the_visitors_printer_at_any_hour(db, tmp_path, now):
    load(tmp_path, now=now, days=0)
    machine = all_machines().get(slug=DRIVEN_BY_OCTOPRINT)
    maker = EmailAddress.objects.get(email=MAKER.email).user
    quarter = now.replace(minute=now.minute // 15 * 15)

    reservation = create_reservation(
        machine=machine, start=quarter, end=quarter + dt.timedelta(hours=3), holder=maker, by=maker, now=now
    )

    assert reservation.status == Status.CONFIRMED


def test_rules_of_the_demo_are_there_once_and_its_series_begins_anew(loaded):
    for days_later in (0, 1, 40):
        load(loaded, now=NOW + dt.timedelta(days=days_later))

    kinds = (PersonGroup.objects.filter(kind="plan"), BookingPolicy.objects.all(), Quota.objects.all(),
             CreditPack.objects.all(), Season.objects.all(), HouseRules.objects.all())  # fmt: skip
    assert [rows.count() for rows in kinds] == [1] * len(kinds)
    assert list(SeenDevice.objects.values_list("topic", flat=True)) == ["prise-etabli"]
    assert ReservationSeries.objects.count() == 2
    # Whoever could use the machine before may do so still.
    assert RulesSignature.objects.count() == Person.objects.count() - 1


def test_second_loading_changes_nothing(loaded):
    before = counts()

    lines = load(loaded, now=NOW + dt.timedelta(minutes=1))

    assert (counts(), lines) == (before, ["  today: 0 bookings added"])


def test_loading_three_days_later_fills_the_days_between(loaded):
    before = counts()
    later = NOW + dt.timedelta(days=3)

    load(loaded, now=later)

    after = counts()
    assert (after["Person"], after["Outage"]) == (before["Person"], before["Outage"])
    assert UsageSession.objects.filter(start__gt=NOW + dt.timedelta(hours=12), end__lt=later).exists()
    running = Reservation.objects.filter(status=Status.IN_USE, start__lte=later, end__gt=later)
    assert running.filter(machine__category__is_lent=False).count() == 3
    assert Outage.objects.get().expected_end > later.date()


def test_a_day_is_drawn_the_same_however_many_days_are_loaded(db, tmp_path):
    drawn = []
    for days in (3, DAYS):
        before = transaction.savepoint()
        load(tmp_path, days=days)
        drawn.append(reserved_on(dt.date(2026, 5, 15)))
        transaction.savepoint_rollback(before)

    assert drawn[0] == drawn[1] != []


def test_demo_stays_out_of_a_real_lab(db, tmp_path):
    make_machine(site=make_site())
    before = counts()

    with pytest.raises(DemoRefused, match="real site"):
        load(tmp_path)

    assert (counts(), Site.objects.filter(slug=SITE_SLUG).exists()) == (before, False)


def test_accounts_sign_in_with_verified_addresses_and_acceptable_passwords(loaded):
    for account in ACCOUNTS:
        address = EmailAddress.objects.get(email=account.email)

        assert (address.verified, address.user.check_password(account.password)) == (True, True)
        validate_password(account.password, address.user)
        assert list(address.user.role_grants.values_list("role", flat=True)) == [account.role]
    assert not EmailAddress.objects.get(email=NEWCOMER.email).user.qualification_grants.exists()


@pytest.mark.parametrize("is_demo", [True, False], ids=["demo", "real lab"])
def test_first_page_tells_the_passwords_in_demo_mode_only(db, client, settings, tmp_path, is_demo):
    settings.IS_DEMO, settings.STATIC_ROOT = is_demo, tmp_path

    page = client.get(reverse("home")).content.decode()

    assert [account.email in page for account in ACCOUNTS] == [is_demo] * len(ACCOUNTS)
    assert (MAKER.password in page) == is_demo


def test_devices_passwords_are_kept_for_us_alone_and_fit(loaded):
    file = loaded / DEVICES
    passwords = read_kept(loaded, DEVICES)

    assert stat.S_IMODE(file.stat().st_mode) == stat.S_IMODE((loaded / OCTOPRINT).stat().st_mode) == 0o600
    assert passwords.keys() == BY_SLUG.keys()
    assert all(verify_password(passwords[d.slug], d.password_hash) for d in Device.objects.all())


def test_lost_passwords_are_made_anew(loaded):
    (loaded / DEVICES).unlink()

    load(loaded)

    passwords = read_kept(loaded, DEVICES)
    assert all(verify_password(passwords[d.slug], d.password_hash) for d in Device.objects.all())


def test_printer_has_the_kept_port_and_key(loaded):
    kept = read_kept(loaded, OCTOPRINT)

    printer = Printer.objects.get()

    assert printer.machine.slug == DRIVEN_BY_OCTOPRINT
    assert (printer.base_url, unseal(printer.api_key_sealed)) == (f"http://127.0.0.1:{kept['port']}", kept["api_key"])


def test_kept_file_is_replaced_whole(tmp_path):
    keep(tmp_path, DEVICES, {"a": "1"})
    keep(tmp_path, DEVICES, {"b": "2"})

    assert read_kept(tmp_path, DEVICES) == {"b": "2"}
    assert [file.name for file in tmp_path.iterdir()] == [DEVICES]


@pytest.mark.parametrize("machine", MACHINES, ids=[machine.slug for machine in MACHINES])
def test_samples_of_a_run_are_dense_enough_for_its_thresholds(machine):
    run = Run(machine.slug, NOW, NOW + dt.timedelta(minutes=50))
    power = machine.power
    limits = Thresholds(
        power.busy_from_w,
        power.idle_below_w,
        dt.timedelta(seconds=10),
        dt.timedelta(seconds=60),
        dt.timedelta(seconds=60),
    )
    meter, turns = Meter(IDLE), []

    for at, power_w in power_samples(run, power):
        after = step(meter, at, power_w, limits)
        turns += [(after.state, after.since)] if after.state != meter.state else []
        meter = after

    assert turns == [(BUSY, run.start), (IDLE, run.end)]


def all_machines():
    return Machine.objects.with_places()


def reserved_on(day):
    rows = Reservation.objects.filter(start__date=day).order_by("start", "machine__slug")
    return list(rows.values_list("machine__slug", "start", "end", "holder__card_code", "status"))


def test_demo_has_printed_for_people_and_for_the_team(db, tmp_path, settings):
    load(tmp_path, days=LONGER)
    before = PrintJob.objects.count()
    load(tmp_path, days=LONGER)

    assert PrintJob.objects.count() == before > 8
    assert PrintJob.objects.filter(outcome="bad").exists()
    assert all(job.usage_session.person_id == job.person_id for job in PrintJob.objects.select_related("usage_session"))
    entries = LogEntry.objects.select_related("print_job")
    assert len(entries) >= 2
    assert all(entry.facts["grams"] and entry.facts["printed_s"] for entry in entries)
    assert all((settings.MEDIA_ROOT / file.stored_name).exists() for file in PrintFile.objects.all())
