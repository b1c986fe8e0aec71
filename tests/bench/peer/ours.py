"""Our side: the lab is made here, by `bench seed`, and written down for the other one."""

import datetime as dt
import json
import os
from collections.abc import Callable
from pathlib import Path

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fablab.settings")
    django.setup()

from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.db.models.functions import Extract
from django.test import Client
from django.utils import timezone

from fablab.bench.requests import MANAGER, MEMBER, signed_in_as
from fablab.bench.seed import seed
from fablab.bench.size import Size
from people.models import Person
from reservations.models import Reservation, Status
from reservations.models.reservation import HOLDING
from tests.bench.peer.side import Door, free_half_hours, main, week

NOTE = "bench"
LIST_ROWS = 1000


class Ours:
    def seed(self, lab: Path) -> None:
        """`lab` says how large on the way in, and on the way out also what was reserved."""
        wanted = json.loads(lab.read_text())
        size = Size(
            machines=wanted["machines"],
            people=wanted["people"],
            reservations=wanted["reservations"],
            sessions=0,
            days=wanted["days"],
        )
        call_command("migrate", verbosity=0)
        seed(size, now=timezone.now())
        rows = Reservation.objects.order_by("pk").values_list(
            "machine_id", "holder_id", "status", Extract("start", "epoch"), Extract("end", "epoch")
        )
        lab.write_text(json.dumps(wanted | {"rows": [[*row[:3], int(row[3]), int(row[4])] for row in rows]}))

    def doors(self) -> dict[str, Door]:
        settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
        member, manager = signed_in_as(MEMBER), signed_in_as(MANAGER)
        days = asked_week()
        free = free_half_hours()

        def machine_week() -> int:
            return len(read(member, "/api/v1/machines/machine-1/calendar/", days)["blocks"])

        def all_week() -> int:
            return sum(len(row["blocks"]) for row in read(member, "/api/v1/calendar/", days)["machines"])

        def create() -> int:
            begin = next(free)
            if not reserved(member, 1, begin, begin + dt.timedelta(minutes=30)):
                raise AssertionError("a free half hour was refused")
            return 1

        def listed() -> int:
            return len(read(manager, "/api/v1/reservations/", {"page_size": LIST_ROWS})["results"])

        return {"machine-week": machine_week, "week": all_week, "create": create, "list": listed}

    def racer(self, person: int, machine: int, start: dt.datetime, end: dt.datetime) -> Callable[[], bool]:
        client = signed_in_as(Person.objects.get(pk=person).card_code)
        read(client, "/api/v1/calendar/", asked_week())
        return lambda: reserved(client, machine, start, end)

    def held(self, machine: int, start: dt.datetime) -> int:
        return Reservation.objects.filter(machine_id=machine, start=start, status__in=HOLDING).count()

    def give_back(self) -> None:
        now = timezone.now()
        Reservation.objects.filter(note=NOTE).update(note="", status=Status.CANCELLED, cancelled_at=now)

    def forget_connections(self) -> None:
        connections.close_all()


def asked_week() -> dict:
    start, end = week()
    return {"start": start.isoformat(), "end": end.isoformat()}


def read(client: Client, path: str, query: dict) -> dict:
    answer = client.get(path, query)
    if answer.status_code != 200:
        raise AssertionError(f"{path} answered {answer.status_code}")
    return json.loads(answer.content)


def reserved(client: Client, machine: int, start: dt.datetime, end: dt.datetime) -> bool:
    wish = {"machine": f"machine-{machine}", "start": start.isoformat(), "end": end.isoformat(), "note": NOTE}
    answer = client.post("/api/v1/reservations/", json.dumps(wish), content_type="application/json")
    if answer.status_code not in (201, 409):
        raise AssertionError(f"a wish was answered with {answer.status_code}")
    return answer.status_code == 201


if __name__ == "__main__":
    main(Ours())
