"""How many statements a page costs: few, and as many with three hundred machines as with three."""

import datetime as dt
from secrets import token_hex

import pytest
from django.conf import settings
from django.core.cache import caches
from django.db import connection
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from fablab import troubles
from fablab.second_factor import SEEN
from iot.models import Device, ReportedState, StopReason, UsageSession, UseState
from machines.models import Machine, Outage, Unit
from people import lab as lab_settings
from people.kiosks import call_somebody
from people.models import Kiosk
from printing.models import JobState, Printer, PrintFile, PrintJob
from reservations.models import HeldUnit, Reservation, Status
from tests.api.lab import Lab, make_lab
from tests.factories import grant, make_qualification, make_staff, minutes

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

# The frame's are among them: the login session, and its person with roles and new messages.
MOST = 12
MOST_FOR_CALENDAR = 8
PAGES = (
    ("home", "/", "anonymous"),
    ("home, signed in", "/", "holder"),
    ("machines", "/machines/?category=&q=a", "holder"),
    ("machine", "/machines/{printer}/", "holder"),
    ("reserve", "/reserve/", "holder"),
    ("slots", "/reserve/?machine={laser}&day={day}", "holder"),
    ("slots while moving", "/reserve/?machine={laser}&day={day}&moving={coming}", "holder"),
    ("confirm", "/reserve/confirm/?machine={laser}&day={day}&start=10:00&end=11:00", "holder"),
    ("me", "/me/", "holder"),
    ("tokens", "/me/tokens/", "holder"),
    ("reservation", "/reservations/{running}/", "holder"),
    ("print job", "/prints/{job}/", "holder"),
    ("print upload", "/machines/{printer}/print/", "holder"),
    ("board", "/board/", "anonymous"),
    ("timeline", "/timeline/?day={day}", "holder"),
    ("timeline, a week", "/timeline/?view=week&day={day}", "manager"),
    ("overview", "/manage/", "manager"),
    ("manage machines", "/manage/machines/", "manager"),
    ("manage devices", "/manage/devices/", "manager"),
    ("manage device", "/manage/devices/{device}/", "manager"),
    ("settings of a device", "/manage/devices/{device}/settings/", "manager"),
    ("devices seen", "/manage/devices/seen/", "manager"),
    ("quarantine", "/manage/quarantine/", "manager"),
    ("who had a machine", "/manage/machines/{laser}/access/", "manager"),
    ("whom it refused", "/manage/machines/{laser}/access/?refused=1&q=a", "manager"),
    ("access at a machine", "/manage/settings/machines/{laser}/access/", "manager"),
    ("add a device", "/manage/settings/new-device/", "manager"),
    ("manage reservations", "/manage/reservations/", "manager"),
    ("calendars of others", "/manage/settings/machines/{laser}/calendars/", "manager"),
    ("machines by API", "/api/v1/machines/", "holder"),
    ("reservations by API", "/api/v1/reservations/", "manager"),
    ("availability by API", "/api/v1/availability/", "anonymous"),
    ("availability by API, signed in", "/api/v1/availability/?duration=PT2H", "holder"),
    ("find", "/find/", "anonymous"),
    ("find, signed in", "/find/?minutes=120&others=1", "holder"),
    ("find without result", "/find/?minutes=120&when=date&day=2020-01-01", "holder"),
)


@pytest.fixture
def lab() -> Lab:
    return make_lab()


def add_busy_machines(lab: Lab, count: int) -> None:
    """Twins of the laser, each with something of everything that a page may show."""
    now, laser, holder = timezone.now(), lab.laser, lab.people["holder"]
    units = Unit.objects.bulk_create(Unit(site=lab.site) for _ in range(count))
    machines = Machine.objects.bulk_create(
        Machine(unit=unit, category=laser.category, room=lab.printer_machine.room, name=f"A {n}", slug=f"twin-{n}")
        for n, unit in enumerate(units)
    )
    Device.objects.bulk_create(Device(slug=f"dev-{n}", machine=machine) for n, machine in enumerate(machines))
    ReportedState.objects.bulk_create(ReportedState(machine=machine, state=UseState.BUSY) for machine in machines)
    Outage.objects.bulk_create(Outage(machine=machine, start=now - minutes(5)) for machine in machines[::3])
    Printer.objects.bulk_create(Printer(machine=machine, is_bed_clear=False) for machine in machines[::2])
    UsageSession.objects.bulk_create(
        UsageSession(machine=machine, person=holder, start=now - minutes(90), end=now, last_busy_at=now,
                     stop_reason=StopReason.NORMAL)
        for machine in machines
    )  # fmt: skip
    add_reservations(machines, holder, now)
    add_jobs(machines, holder, now)
    Kiosk.objects.bulk_create(
        Kiosk(site=lab.site, name=f"Door {n}", token_digest=token_hex(32), enrolled_at=now) for n in range(3)
    )
    qualification = make_qualification()
    grant(person=holder, qualification=qualification)


def add_reservations(machines: list[Machine], holder, now: dt.datetime) -> None:
    """One that runs on each machine, and one tomorrow."""
    for start in (now - minutes(5), now + dt.timedelta(days=1)):
        end = start + minutes(60)
        rows = Reservation.objects.bulk_create(
            Reservation(site=machine.site, machine=machine, holder=holder, start=start, end=end,
                        booked_start=start, booked_end=end, status=Status.CONFIRMED, created_at=now)
            for machine in machines
        )  # fmt: skip
        times = DateTimeTZRange(start, end)
        HeldUnit.objects.bulk_create(
            HeldUnit(reservation=row, unit_id=row.machine.unit_id, period=times, blocked=times) for row in rows
        )


def add_jobs(machines: list[Machine], holder, now: dt.datetime) -> None:
    """On each machine one that prints, and one that was lost from sight."""
    file = PrintFile.objects.create(sha256="cd" * 32, size_bytes=1, name="a", uploaded_by=holder, uploaded_at=now)
    PrintJob.objects.bulk_create(
        PrintJob(machine=machine, file=file, person=holder, state=state, created_at=now)
        for state in (JobState.PRINTING, JobState.LOST)
        for machine in machines
    )


def statements(lab: Lab, role: str, url: str) -> list[str]:
    """What the page asked of the database, the frame's aside."""
    return [statement for statement in all_statements(lab, role, url) if not is_frame(statement)]


def all_statements(lab: Lab, role: str, url: str) -> list[str]:
    """What the page asked of the database, the session's clean-up aside; the page must have come."""
    words = {
        "printer": lab.printer_machine.slug, "laser": lab.laser.slug, "device": lab.device.slug,
        "running": lab.running.reference, "coming": lab.coming.reference, "job": lab.job.reference,
        "day": (timezone.now() + dt.timedelta(days=3)).date().isoformat(),
    }  # fmt: skip
    client = lab.client(role)
    if role != "anonymous":
        # Asked at the first page after a sign-in, and every ten minutes.
        session = client.session
        session[SEEN] = int(timezone.now().timestamp())
        session.save()
    forget_everything()
    with CaptureQueriesContext(connection) as captured:
        response = client.get(url.format(**words))
    assert response.status_code == 200
    return [query["sql"] for query in captured.captured_queries]


def forget_everything() -> None:
    """As in a process that has just started, while another's cache in the database has run out, too."""
    for name in settings.CACHES:
        caches[name].clear()
    lab_settings.forget()
    troubles.forget()


def is_frame(statement: str) -> bool:
    """The cache's table (the counter of requests, which screens call) and its savepoints are not counted."""
    return "django_cache" in statement or "SAVEPOINT" in statement


@pytest.mark.parametrize(("url", "role"), [page[1:] for page in PAGES], ids=[page[0] for page in PAGES])
def test_page_takes_few_queries_however_many_machines(lab: Lab, url: str, role: str) -> None:
    add_busy_machines(lab, 1)
    few = statements(lab, role, url)

    Machine.objects.filter(slug="twin-0").update(slug="twin-z")
    Device.objects.filter(slug="dev-0").update(slug="dev-z")
    add_busy_machines(lab, 297)
    many = statements(lab, role, url)

    assert len(many) == len(few), "\n".join(many)
    assert len(many) <= MOST, "\n".join(many)


def test_file_takes_the_same_queries_however_many_qualifications_and_who_granted_them(lab: Lab) -> None:
    person = lab.people["holder"]
    url = reverse("people-person", args=[person.reference])

    def qualify(count: int) -> None:
        for _number in range(count):
            held = grant(person=person, qualification=make_qualification())
            held.granted_by = make_staff(site=lab.site)
            held.save()

    qualify(1)
    # The first reading is noted, and those after it are not.
    lab.client("mediator").get(url)
    few = statements(lab, "mediator", url)
    qualify(12)
    many = statements(lab, "mediator", url)

    assert len(many) == len(few), "\n".join(many)


def test_overview_of_a_lab_with_screens_takes_few_queries_the_caches_among_them(lab: Lab) -> None:
    add_busy_machines(lab, 3)
    kiosk = Kiosk.objects.filter(site=lab.site).latest("pk")
    quiet = all_statements(lab, "manager", "/manage/")

    call_somebody(kiosk=kiosk, now=timezone.now())
    called = all_statements(lab, "manager", "/manage/")

    assert len(quiet) <= MOST, "\n".join(quiet)
    assert len(called) == len(quiet), "\n".join(called)


def test_week_of_all_machines_takes_few_queries(lab: Lab) -> None:
    add_busy_machines(lab, 297)

    asked = statements(lab, "manager", "/api/v1/calendar/")

    assert len(asked) <= MOST_FOR_CALENDAR, "\n".join(asked)
