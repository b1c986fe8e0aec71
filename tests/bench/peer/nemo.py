"""The other side: NEMO with the very reservations that our side wrote down. Runs in NEMO's own Python."""

import datetime as dt
import json
import os
from collections.abc import Callable
from pathlib import Path

import django

if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.bench.peer.nemo_settings"
    django.setup()

from django.core.management import call_command
from django.db import connection, connections
from django.test import Client
from NEMO.models import Account, Project, Reservation, Tool, User

from tests.bench.peer.side import Door, free_half_hours, main, week

BACKEND = "NEMO.views.authentication.RemoteUserAuthenticationBackend"
ADMINISTRATOR, MEMBER = 1, 2
LIST_ROWS = 1000
BATCH = 5000


class Nemo:
    def seed(self, lab: Path) -> None:
        wanted = json.loads(lab.read_text())
        call_command("migrate", run_syncdb=True, verbosity=0)
        account = Account.objects.create(name="Bench", active=True)
        project = Project.objects.create(name="Bench", application_identifier="bench", account=account, active=True)
        User.objects.bulk_create(_person(number) for number in range(1, wanted["people"] + 1))
        tools = [_tool(number) for number in range(1, wanted["machines"] + 1)]
        people = range(1, wanted["people"] + 1)
        User.projects.through.objects.bulk_create(
            User.projects.through(user_id=person, project_id=project.pk) for person in people
        )
        User.qualifications.through.objects.bulk_create(
            User.qualifications.through(user_id=person, tool_id=tool.pk) for person in people for tool in tools
        )
        Reservation.objects.bulk_create((_reservation(row, project) for row in wanted["rows"]), batch_size=BATCH)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM (ANALYZE)")

    def doors(self) -> dict[str, Door]:
        member, administrator = signed_in_as(MEMBER), signed_in_as(ADMINISTRATOR)
        days = asked_week()
        free = free_half_hours()

        def machine_week() -> int:
            return len(read(member, "/event_feed/", days | {"item_type": "tool", "item_id": 1}))

        def all_week() -> int:
            return len(read(member, "/event_feed/", days | {"all_tools": "true"}))

        def create() -> int:
            begin = next(free)
            if not reserved(member, 1, begin, begin + dt.timedelta(minutes=30)):
                raise AssertionError("a free half hour was refused")
            return 1

        def listed() -> int:
            rows = read(administrator, "/api/reservations/", {"page_size": LIST_ROWS, "page": 1, "format": "json"})
            return len(rows["results"])

        return {"machine-week": machine_week, "week": all_week, "create": create, "list": listed}

    def racer(self, person: int, machine: int, start: dt.datetime, end: dt.datetime) -> Callable[[], bool]:
        client = signed_in_as(person)
        read(client, "/event_feed/", asked_week() | {"item_type": "tool", "item_id": machine})
        return lambda: reserved(client, machine, start, end)

    def held(self, machine: int, start: dt.datetime) -> int:
        return Reservation.objects.filter(tool_id=machine, start=start, cancelled=False).count()

    def give_back(self) -> None:
        now = dt.datetime.now(dt.UTC)
        after = week()[0] + dt.timedelta(days=14)
        Reservation.objects.filter(start__gte=after).update(cancelled=True, cancellation_time=now)

    def forget_connections(self) -> None:
        connections.close_all()


def _person(number: int) -> User:
    return User(
        id=number, username=f"bench{number}", first_name=f"Camille {number}", last_name="Bench",
        email=f"bench{number}@localhost", is_superuser=number == ADMINISTRATOR, training_required=False,
    )  # fmt: skip


def _tool(number: int) -> Tool:
    """It may be reserved a year ahead: ours has no limit in this lab."""
    return Tool.objects.create(
        id=number, name=f"Machine {number}", visible=True, _category="Bench", _location="Workshop", _operational=True,
        _primary_owner_id=ADMINISTRATOR, _reservation_horizon=365,
    )  # fmt: skip


def _reservation(row: list, project: Project) -> Reservation:
    machine, holder, status, start, end = row
    return Reservation(
        tool_id=machine, user_id=holder, creator_id=holder, project=project, short_notice=False,
        start=dt.datetime.fromtimestamp(start, dt.UTC), end=dt.datetime.fromtimestamp(end, dt.UTC),
        cancelled=status == "cancelled", missed=status == "no_show",
    )  # fmt: skip


def signed_in_as(person: int) -> Client:
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(User.objects.get(pk=person), BACKEND)
    return client


def asked_week() -> dict:
    start, end = week()
    return {"event_type": "reservations", "start": start.date().isoformat(), "end": end.date().isoformat()}


def read(client: Client, path: str, query: dict) -> list | dict:
    answer = client.get(path, query)
    if answer.status_code != 200:
        raise AssertionError(f"{path} answered {answer.status_code}: {answer.content[:200]}")
    return json.loads(answer.content)


def reserved(client: Client, machine: int, start: dt.datetime, end: dt.datetime) -> bool:
    """It answers a granted wish with nothing, and a refused one with a page that says why."""
    wish = {"item_type": "tool", "item_id": machine, "start": wall_epoch(start), "end": wall_epoch(end)}
    answer = client.post("/create_reservation/", wish)
    if answer.status_code not in (200, 201):
        raise AssertionError(f"a wish was answered with {answer.status_code}: {answer.content[:200]}")
    return answer.status_code == 201 or not answer.content


def wall_epoch(instant: dt.datetime) -> float:
    """As its calendar page sends it: the local wall-clock time, counted as if it were UTC."""
    return instant.replace(tzinfo=dt.UTC).timestamp()


if __name__ == "__main__":
    main(Nemo())
