"""One small lab with somebody in every role and something of every kind, whose private words are unmistakable."""

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.test import Client
from django.utils import timezone

from iot.models import Device, ReportedState, StopReason, UsageSession, UseState
from machines.models import Machine
from people.models import ApiToken, Person, Role, Site
from people.models.token import Scope
from printing.models import JobState, Printer, PrintFile, PrintJob
from reservations.models import HeldUnit, Reservation, Status
from tests.factories import give_role, make_machine, make_person, make_room, make_site, minutes

ROLES = (
    "anonymous", "visitor", "holder", "other", "supervisor", "mediator", "elsewhere", "manager", "administrator",
)  # fmt: skip
ALL_SCOPES = list(Scope.values)
PRIVATE_WORDS = (
    "Zorobabel", "Quillfeather", "zq@private.example", "+33 6 99 88 77 66", "CARD-ZQ-7781", "wedding surprise",
    "hidden-ring", "bed knocked over",
)  # fmt: skip

# The server of static files warns when there is no folder to serve, and a warning is an error here.
Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)


@dataclass(frozen=True)
class Lab:
    """`running` is under way with `job` printing and `session` measured; `coming` begins in two days."""

    site: Site
    people: dict[str, Person | None]
    printer_machine: Machine
    laser: Machine
    device: Device
    running: Reservation
    coming: Reservation
    job: PrintJob
    session: UsageSession
    token: ApiToken
    # What the access table fills its addresses and forms with; made when it is first asked for.
    words: dict[str, str] = field(default_factory=dict)

    @property
    def private_words(self) -> tuple[str, ...]:
        """What nobody but the holder and the team may ever read, references of private things included."""
        references = (self.running.reference, self.coming.reference, self.job.reference, self.session.reference)
        holder = self.people["holder"]
        assert holder is not None
        return (*PRIVATE_WORDS, *references, holder.reference)

    def client(self, role: str) -> Client:
        """A browser in which somebody of this role is signed in."""
        client = Client(headers={"accept-language": "en"})
        if person := self.people[role]:
            client.force_login(person, backend="people.sign_in_backends.PersonBackend")
        return client


def make_lab() -> Lab:
    """Written straight into the tables: the booking rules have their own tests."""
    site, now = make_site(name="Riverside"), timezone.now()
    people = make_people(site)
    holder = people["holder"]
    printer_machine = make_machine(site=site, name="Prusa", room=make_room(site=site))
    laser = make_machine(site=site, name="Laser")
    running = hold(printer_machine, holder, now - minutes(10), now + minutes(50), Status.IN_USE)
    coming = hold(laser, holder, now + dt.timedelta(days=2), now + dt.timedelta(days=2, hours=1), Status.CONFIRMED)
    device = make_heard_device(printer_machine, now)
    session = UsageSession.objects.create(
        machine=printer_machine, device=device, person=holder, reservation=running, start=now - minutes(200),
        end=now - minutes(100), last_busy_at=now - minutes(100), stop_reason=StopReason.NORMAL, energy_wh=12.5,
    )  # fmt: skip
    ReportedState.objects.create(machine=printer_machine, device=device, state=UseState.BUSY, power_w=84, since=now)
    token, _key = make_token(holder, *ALL_SCOPES)
    job = make_job(running, now)
    return Lab(site, people, printer_machine, laser, device, running, coming, job, session, token)


def make_people(site: Site) -> dict[str, Person | None]:
    """Somebody in each of ROLES; the holder and the other are members, `elsewhere` manages another site."""
    private = {
        "first_name": "Zorobabel", "last_name": "Quillfeather", "contact_email": "zq@private.example",
        "phone": "+33 6 99 88 77 66", "card_code": "CARD-ZQ-7781",
    }  # fmt: skip
    people: dict[str, Person | None] = {"anonymous": None, "visitor": make_person(), "holder": make_person(**private)}
    people |= {name: make_person() for name in ("other", "supervisor", "mediator", "elsewhere", "manager")}
    people["administrator"] = make_person(is_superuser=True, is_staff=True)
    for name in ("holder", "other"):
        give_role(person=people[name], site=site, role=Role.MEMBER)
    for name, role in (("supervisor", Role.SUPERVISOR), ("mediator", Role.MEDIATOR), ("manager", Role.FAB_MANAGER)):
        give_role(person=people[name], site=site, role=role)
    give_role(person=people["elsewhere"], site=make_site(name="Hilltop"), role=Role.FAB_MANAGER)
    return people


def hold(
    machine: Machine, holder: Person | None, start: dt.datetime, end: dt.datetime, status: Status = Status.CONFIRMED
) -> Reservation:
    """A reservation with a private note and the unit it holds."""
    checked_in_at = start if status == Status.IN_USE else None
    reservation = Reservation.objects.create(
        site=machine.site, machine=machine, holder=holder, start=start, end=end,
        booked_start=start, booked_end=end, status=status,
        checked_in_at=checked_in_at, note="wedding surprise", created_at=start, created_by=holder,
    )  # fmt: skip
    times = DateTimeTZRange(start, end)
    HeldUnit.objects.create(reservation=reservation, unit_id=machine.unit_id, period=times, blocked=times)
    return reservation


def make_heard_device(machine: Machine, now: dt.datetime) -> Device:
    return Device.objects.create(
        slug=f"plug-{machine.pk}", machine=machine, is_online=True, last_seen_at=now, silent_after=dt.timedelta(hours=1)
    )


def make_job(reservation: Reservation, now: dt.datetime) -> PrintJob:
    """A print under way, whose file's name and errors are private."""
    machine, person = reservation.machine, reservation.holder
    Printer.objects.create(machine=machine, connection="operational", last_answer_at=now, is_bed_clear=False)
    file = PrintFile.objects.create(
        sha256="ab" * 32, size_bytes=9, name="hidden-ring.gcode", uploaded_by=person, uploaded_at=now
    )
    return PrintJob.objects.create(
        machine=machine, file=file, person=person, reservation=reservation, state=JobState.PRINTING,
        progress_pct=40, time_left=minutes(20), created_at=now, started_at=now, error_detail="bed knocked over",
    )  # fmt: skip


def make_token(person: Person | None, *scopes: str) -> tuple[ApiToken, str]:
    """The row, and the key that is told once."""
    return ApiToken.objects.create(user=person, expiry=dt.timedelta(days=1), name="script", scopes=list(scopes))


def api_client(key: str, language: str = "en") -> Client:
    """A program that presents the token."""
    return Client(headers={"authorization": f"Token {key}", "accept-language": language})


def slot(days: int = 3, hour: int = 10) -> tuple[str, str]:
    """An hour on the grid, as the API writes it."""
    start = (timezone.now() + dt.timedelta(days=days)).replace(hour=hour, minute=0, second=0, microsecond=0)
    return start.isoformat(), (start + dt.timedelta(hours=1)).isoformat()
