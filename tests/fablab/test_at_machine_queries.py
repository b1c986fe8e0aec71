"""The pages at the machines: few statements, and as many with twenty rows as with one."""

import datetime as dt

import pytest
from django.utils import timezone

from iot.models import AccessSession, BadgeWanted, Device, DeviceCommand, StopReason, UsageSession
from machines.models import Machine
from people.badges import badge_digest
from people.models import Badge, Visit
from tests.api.lab import Lab, make_lab
from tests.fablab.test_query_counts import MOST, statements
from tests.factories import grant, make_category, make_machine, make_person, make_qualification, minutes
from tests.iot.builders import make_device

pytestmark = pytest.mark.django_db

# Somebody's file is noted as read, and asks who may read it.
MOST_FOR_A_FILE = MOST + 3
PAGES = (
    ("start by hand", "/machines/{laser}/start/", "holder", MOST + 2),
    ("start with a code", "/machines/{printer}/start/", "holder", MOST + 2),
    ("machine, for its team", "/machines/{laser}/", "manager", MOST),
    ("me", "/me/", "holder", MOST),
    ("reservation", "/reservations/{running}/", "holder", MOST),
    ("runs without a name", "/manage/runs/", "manager", MOST),
    ("a run without a name", "/manage/runs/{run}/?q=a", "manager", MOST),
    ("screen of a seat", "/desk/seats/{seat}/screen/", "manager", MOST),
    ("timeline", "/timeline/?day={today}", "manager", MOST),
    ("badges of somebody", "/manage/people/{person}/badges/", "manager", MOST_FOR_A_FILE),
    ("waiting for a badge", "/manage/people/{person}/badges/{wanted}/", "manager", MOST_FOR_A_FILE),
)


@pytest.fixture
def lab() -> Lab:
    return make_lab()


def add_rows(lab: Lab, count: int) -> None:
    """Of each so many: runs without a name and who may have been it, badges, orders, times when it was opened."""
    now, holder = timezone.now(), lab.people["holder"]
    agent = Device.objects.get(slug="agent")
    qualification = make_qualification()
    Machine.objects.filter(pk=lab.printer_machine.pk).update(qualification=qualification)
    for number in range(count):
        end = now - minutes(30 * UsageSession.objects.count())
        for machine in (lab.printer_machine, lab.laser):
            UsageSession.objects.create(
                machine=machine, start=end - minutes(9), end=end, last_busy_at=end, stop_reason=StopReason.NORMAL
            )
        Visit.objects.create(
            site=lab.site, person=make_person(), arrived_at=end - minutes(60), left_at=end + minutes(60)
        )
        grant(person=make_person(), qualification=qualification)
        digest = badge_digest(f"{now.timestamp()}-{number}")
        Badge.objects.create(person=holder, digest=digest, created_at=now, blocked_at=now if number % 2 else None)
        DeviceCommand.objects.create(
            device=agent, kind="message", by=holder, created_at=now, expires_at=now + minutes(1), data={"text": "x"}
        )
        AccessSession.objects.create(
            machine=lab.printer_machine, person=holder, reservation=lab.running, state="ended",
            allowed_at=now - minutes(9), until=now, ended_at=now, stop_reason=StopReason.NORMAL,
        )  # fmt: skip


@pytest.mark.parametrize(("url", "role", "most"), [page[1:] for page in PAGES], ids=[page[0] for page in PAGES])
def test_page_takes_few_queries_however_many_rows(lab: Lab, url: str, role: str, most: int) -> None:
    now, holder = timezone.now(), lab.people["holder"]
    seat = make_machine(site=lab.site, name="Laptop", category=make_category(is_seat=True))
    agent = make_device("agent", seat, is_online=True, last_seen_at=now)
    wanted = BadgeWanted.objects.create(
        device=agent, person=holder, by=lab.people["manager"], opened_at=now, expires_at=now + dt.timedelta(hours=1)
    )
    make_device("keypad", lab.printer_machine, capabilities=["keypad"])
    add_rows(lab, 1)
    run = UsageSession.objects.filter(person=None, machine=lab.printer_machine).get()
    address = url.format(
        laser=lab.laser.slug, printer=lab.printer_machine.slug, running=lab.running.reference, seat=seat.slug,
        run=run.reference, person=holder.reference, wanted=wanted.pk, today=now.date().isoformat(),
    )  # fmt: skip
    # The first reading is noted, the next one within ten minutes is not.
    statements(lab, role, address)
    few = statements(lab, role, address)

    add_rows(lab, 20)
    many = statements(lab, role, address)

    assert len(many) == len(few), "\n".join(many)
    assert len(many) <= most, "\n".join(many)
