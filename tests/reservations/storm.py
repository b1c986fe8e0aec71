"""Many hands at once on one small lab: every service of the engine, drawn at random from a seed, each hand on a
connection of its own. What must hold afterwards is asked of the database."""

import datetime as dt
import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from django.db import connection, connections

from machines.closing_services import set_exceptions
from machines.models import Machine
from machines.parts import set_parts
from people.models import Person, Role
from reservations.closures import refit_blocked
from reservations.credits import give_credits, ledger_differs
from reservations.errors import ReservationError
from reservations.expiry import expire_due
from reservations.group import reserve_series
from reservations.life import approve, check_in, close_ended_reservations, finish_reservation, refuse
from reservations.models import Quota, Reservation, Status, WaitingEntry
from reservations.series import Scope, cancel_dates, move_dates, reserve_dates
from reservations.services import cancel_reservation, create_reservation, move_reservation
from reservations.settling import Choice, settle
from reservations.waiting import accept_offer, decline_offer, join_waiting, leave_waiting, sweep_waiting
from reservations.wishes import Wish
from tests.factories import NOW, make_category, make_machine, make_person, make_site, make_staff, minutes

OVERLAPS = """
    SELECT count(*) FROM reservations_heldunit one JOIN reservations_heldunit other
      ON one.unit_id = other.unit_id AND one.id < other.id AND one.blocked && other.blocked
    WHERE one.is_holding AND other.is_holding
"""
OUT_OF_STEP = """
    SELECT count(*) FROM reservations_heldunit held JOIN reservations_reservation kept ON kept.id = held.reservation_id
    WHERE held.is_holding <> (kept.status IN ('held', 'pending', 'confirmed', 'in_use', 'completed'))
"""
OFFERS_ASTRAY = """
    SELECT count(*) FROM reservations_waitingentry entry
    LEFT JOIN reservations_reservation offer ON offer.id = entry.offer_id
    WHERE (entry.state = 'offered') <> (offer.status IS NOT DISTINCT FROM 'held')
"""


@dataclass
class Storm:
    """A lab in which three machines are fought over: one wants a yes, one takes an extractor along, one costs."""

    seed: int
    counts: Counter[str] = field(default_factory=Counter)
    broken: list[BaseException] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.site = make_site()
        plain = make_category(shortest=minutes(30), longest=minutes(240))
        asked = make_category(shortest=minutes(30), longest=minutes(240), needs_approval=True)
        paid = make_category(shortest=minutes(30), longest=minutes(240), credits_per_hour=1)
        self.extractor = make_machine(site=self.site, category=plain)
        self.machines = [
            make_machine(site=self.site, category=plain, cleanup_buffer=minutes(15), model_name="Twin"),
            make_machine(site=self.site, category=plain, model_name="Twin"),
            make_machine(site=self.site, category=asked),
            make_machine(site=self.site, category=paid),
            self.extractor,
        ]
        for laser in self.machines[:2]:
            set_parts(whole=laser.unit, exclusive=[self.extractor.unit], shared=[])
        self.people = [make_person() for _ in range(6)]
        for person in self.people:
            give_credits(person=person, amount=20, by=None, now=NOW)
        self.manager = make_staff(site=self.site, role=Role.FAB_MANAGER)
        Quota.objects.create(measure="count", period="to_come", most=6)
        self.now = NOW

    def run(self, *, hands: int, steps: int) -> None:
        """`hands` at once, `steps` each; what broke is kept in `broken`."""
        gun = threading.Barrier(hands)

        def hand(number: int) -> None:
            rng = random.Random(f"{self.seed}:{number}")
            try:
                gun.wait(timeout=60)
                for _ in range(steps):
                    self._step(rng)
            finally:
                connections["default"].close()

        with ThreadPoolExecutor(hands) as pool:
            list(pool.map(hand, range(hands)))

    def _step(self, rng: random.Random) -> None:
        step = rng.choice(STEPS)
        try:
            step(self, rng)
            self.counts[step.__name__] += 1
        except ReservationError:
            self.counts["refused"] += 1
        except BaseException as error:  # told by the test, with all others
            self.broken.append(error)

    def machine(self, rng: random.Random) -> Machine:
        return Machine.objects.with_places().get(pk=rng.choice(self.machines).pk)

    def some(self, rng: random.Random, *status: str) -> Reservation | None:
        rows = Reservation.objects.with_places().filter(status__in=status, machine__isnull=False)
        keys = list(rows.order_by("-pk").values_list("pk", flat=True)[:40])
        return rows.filter(pk=rng.choice(keys)).first() if keys else None

    def times(self, rng: random.Random) -> tuple[dt.datetime, dt.datetime]:
        start = NOW + minutes(30 * rng.randrange(2, 60))
        return start, start + minutes(30 * rng.randrange(1, 6))

    def later(self, rng: random.Random) -> dt.datetime:
        """The clock of this moment; now and then it goes on by some minutes, for everybody."""
        if rng.random() < 0.1:
            self.now += minutes(rng.randrange(1, 8))
        return self.now

    def faults(self) -> dict[str, int]:
        """What may never be, counted in the database."""
        with connection.cursor() as cursor:
            found = {}
            for name, sql in (("overlaps", OVERLAPS), ("out of step", OUT_OF_STEP), ("offers astray", OFFERS_ASTRAY)):
                cursor.execute(sql)
                found[name] = cursor.fetchone()[0]
        return {**found, "ledger": len(ledger_differs())}


def create(storm: Storm, rng: random.Random) -> None:
    start, end = storm.times(rng)
    who = rng.choice(storm.people)
    create_reservation(machine=storm.machine(rng), start=start, end=end, holder=who, by=who, now=storm.later(rng))


def move(storm: Storm, rng: random.Random) -> None:
    if found := storm.some(rng, Status.CONFIRMED, Status.PENDING):
        start, end = storm.times(rng)
        machine = storm.machine(rng)
        move_reservation(reservation=found, start=start, end=end, machine=machine, by=_of(found), now=storm.later(rng))


def cancel(storm: Storm, rng: random.Random) -> None:
    if found := storm.some(rng, Status.CONFIRMED, Status.PENDING, Status.HELD):
        cancel_reservation(reservation=found, by=_of(found), now=storm.later(rng))


def decide(storm: Storm, rng: random.Random) -> None:
    if found := storm.some(rng, Status.PENDING):
        if rng.random() < 0.6:
            approve(reservation=found, by=storm.manager, now=storm.later(rng))
        else:
            refuse(reservation=found, by=storm.manager, now=storm.later(rng), decision="Not today")


def wait(storm: Storm, rng: random.Random) -> None:
    if found := storm.some(rng, Status.CONFIRMED):
        who, machine = rng.choice(storm.people), storm.machine(rng)
        join_waiting(
            machine=machine, person=who, start=found.start, end=found.end, by=who, now=storm.later(rng),
            any_of_model=rng.random() < 0.3, accepts_at_once=rng.random() < 0.2,
        )  # fmt: skip


def answer_offer(storm: Storm, rng: random.Random) -> None:
    if found := storm.some(rng, Status.HELD):
        say = accept_offer if rng.random() < 0.6 else decline_offer
        say(reservation=found, by=_of(found), now=storm.later(rng))


def leave(storm: Storm, rng: random.Random) -> None:
    entries = WaitingEntry.objects.filter(state__in=["waiting", "offered"]).select_related("offer", "person")
    if entry := entries.order_by("pk").first():
        leave_waiting(entry=entry, by=entry.person, now=storm.later(rng))


def come_and_go(storm: Storm, rng: random.Random) -> None:
    if found := storm.some(rng, Status.CONFIRMED, Status.IN_USE):
        say = check_in if found.status == Status.CONFIRMED else finish_reservation
        say(reservation=found, now=storm.later(rng), by=_of(found))


def sweep(storm: Storm, rng: random.Random) -> None:
    now = storm.later(rng)
    rng.choice([expire_due, sweep_waiting, lambda at: close_ended_reservations(now=at)])(now)


def close_a_day(storm: Storm, rng: random.Random) -> None:
    day = (NOW + dt.timedelta(days=rng.randrange(2, 4))).date()
    set_exceptions(site=storm.site, first=day, last=day, ranges=[], title="Works", by=storm.manager, now=storm.now)
    refit_blocked(site=storm.site, now=storm.now)


def series(storm: Storm, rng: random.Random) -> None:
    machine = storm.machine(rng)
    reserve_series(
        site=storm.site, units=[machine.unit], title="Course", first_day=(NOW + dt.timedelta(days=1)).date(),
        opens=dt.time(rng.randrange(8, 20)), closes=dt.time(21), rule="FREQ=DAILY;COUNT=2", by=storm.manager,
        now=storm.later(rng), is_skipping_taken=True,
    )  # fmt: skip


def own_series(storm: Storm, rng: random.Random) -> None:
    start, _end = storm.times(rng)
    who = rng.choice(storm.people)
    wish = Wish(storm.machine(rng), start, start + minutes(30), who, who)
    reserve_dates(wish, "FREQ=DAILY;COUNT=3", storm.later(rng), is_skipping=rng.random() < 0.7)


def change_series(storm: Storm, rng: random.Random) -> None:
    rows = Reservation.objects.filter(series__isnull=False, machine__isnull=False, status=Status.CONFIRMED)
    found = rows.with_places().order_by("-pk").first()
    if found is None:
        return
    scope, now = rng.choice(list(Scope)), storm.later(rng)
    if rng.random() < 0.5:
        cancel_dates(reservation=found, scope=scope, by=_of(found), now=now)
        return
    shift = minutes(30 * rng.randrange(-4, 5))
    move_dates(
        reservation=found, scope=scope, start=found.start + shift, end=found.end + shift, by=_of(found), now=now,
        is_skipping=rng.random() < 0.5,
    )  # fmt: skip


def settle_some(storm: Storm, rng: random.Random) -> None:
    rows = list(Reservation.objects.with_places().filter(status=Status.CONFIRMED).order_by("pk")[:2])
    settle(
        problems={row.pk: "closed" for row in rows}, rows=rows, choice=rng.choice(list(Choice)), why="Works",
        by=storm.manager, now=storm.later(rng),
    )  # fmt: skip


def _of(reservation: Reservation) -> Person:
    if reservation.holder is None:
        raise AssertionError("the storm reserves for people")
    return reservation.holder


STEPS: list[Callable[[Storm, random.Random], None]] = [
    *[create] * 6, *[move] * 3, *[cancel] * 3, *[decide] * 2, *[wait] * 4, *[answer_offer] * 2, leave, come_and_go,
    *[sweep] * 2, close_a_day, series, *[own_series] * 2, *[change_series] * 2, settle_some,
]  # fmt: skip
