"""Rows for the pages of prints: printers, files and jobs written straight into the tables, and who reads the pages."""

import datetime as dt

from django.test import Client
from django.utils import timezone

from fablab.second_factor import SEEN
from people.models import Person, Site
from printing.models import JobState, Printer, PrintFile, PrintJob
from tests.factories import give_role, make_machine, make_person

HOUR = dt.timedelta(hours=1)


def member(site: Site, name: str) -> Person:
    person = make_person(first_name=name, last_name=f"{name}son")
    give_role(person=person, site=site)
    return person


def make_printer(site: Site, name: str, **fields: object) -> Printer:
    machine = make_machine(site=site, name=name)
    return Printer.objects.create(machine=machine, connection="operational", is_unattended=True, **fields)


def make_file(person: Person, name: str = "cube.gcode", sha256: str = "ab" * 32, **fields: object) -> PrintFile:
    known = {"estimated": HOUR, "filament_type": "PLA", "profile": "0.2 mm"} | fields
    return PrintFile.objects.create(
        sha256=sha256, size_bytes=200_000, name=name, uploaded_by=person, uploaded_at=timezone.now(), **known
    )


def make_job(
    printer: Printer, person: Person, state: str = JobState.QUEUED, *, name: str = "cube.gcode", **fields: object
) -> PrintJob:
    file = fields.pop("file", None) or make_file(person, name)
    now = timezone.now()
    times = {"created_at": now, "queued_at": now if state == JobState.QUEUED else None}
    return PrintJob.objects.create(machine=printer.machine, file=file, person=person, state=state, **(times | fields))


def ended(
    printer: Printer, person: Person, state: str = JobState.FINISHED, outcome: str = "", **fields: object
) -> None:
    now = timezone.now()
    make_job(
        printer, person, state, outcome=outcome, outcome_at=now if outcome else None, started_at=now - HOUR,
        ended_at=now, printed=HOUR, **fields,
    )  # fmt: skip


def browser(person: Person) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(person, backend="people.sign_in_backends.PersonBackend")
    # Asked at the first page after a sign-in, and every ten minutes.
    session = client.session
    session[SEEN] = int(timezone.now().timestamp())
    session.save()
    return client


def page(person: Person, address: str) -> str:
    answer = browser(person).get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def told(answer) -> str:
    return " ".join(str(message) for message in answer.context["messages"])
