"""Who may start while the lab is out of reach: for one device, signed with its own key, good for a day.

Nobody for a machine that can hurt, or that was stopped for safety. Else those with a reservation in the next day, those
who come along and the members of a team that reserved, as far as they may use it; and the team of the site: each only
once their badge was tapped since the device was let in.
"""

import datetime as dt
import hashlib
import hmac
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from django.db.models import F

from fablab.lib.secretbox import SecretUnreadable, unseal
from iot.access.time_for import outage_denials
from iot.access.words import SAFETY_INPUT
from iot.models import BadgeMark, Device, DriverKind, MachineAccess
from iot.protocol import Roster, RosterEntry
from machines.models import Machine
from people.models import STAFF_ROLES, Person, RoleGrant, TeamMembership
from reservations.check_in_rules import person_denials
from reservations.models import HeldUnit, Participant, Reservation, Status
from reservations.rules import RISK_OF_INJURY

VALID_FOR = dt.timedelta(hours=24)
# By machine and person: whether they may begin there. Good for one round of rosters.
Asked = dict[tuple[int, int], bool]
Marks = Mapping[int, Sequence[tuple[str, Person]]]
Starts = Mapping[int, Sequence[dt.datetime]]


def devices_with_roster() -> list[Device]:
    """Our own devices that have a key and a machine."""
    rows = Device.objects.filter(kind=DriverKind.FABLAB, revoked_at=None, machine__isnull=False)
    return list(rows.exclude(roster_key_sealed="").select_related("machine__access").order_by("pk"))


def revoked_with_roster() -> list[Device]:
    """Those that were shut out while the broker kept a roster of theirs."""
    return list(Device.objects.filter(revoked_at__isnull=False, roster_version__gt=0).order_by("pk"))


def roster_of(device: Device, now: dt.datetime, asked: Asked | None = None) -> Roster:
    """The device's roster as of now, signed; its number is higher than that of any earlier one. `asked` is what the
    rosters of the same round found out about people, and is added to.

    Side effect: the number is kept with the device.

    Raises:
        SecretUnreadable: the device's key cannot be opened any more: let it enrol again.
    """
    key = bytes.fromhex(unseal(device.roster_key_sealed))
    if not key:
        raise SecretUnreadable("The device has no key.")
    Device.objects.filter(pk=device.pk).update(roster_version=F("roster_version") + 1)
    device.refresh_from_db(fields=["roster_version"])
    machine = device.machine
    is_online_only = machine is None or _is_online_only(machine)
    entries = (
        [] if machine is None or is_online_only else _entries(device, machine, now, {} if asked is None else asked)
    )
    unsigned = Roster(
        device.slug, device.roster_version, _iso(now), _iso(now + VALID_FOR), is_online_only, entries, signature=""
    )
    return msgspec.structs.replace(unsigned, signature=signature_of(unsigned, key))


def signature_of(roster: Roster, key: bytes) -> str:
    """HMAC-SHA256 over all but the signature: JSON with sorted keys, no blanks, UTF-8."""
    content: dict[str, Any] = msgspec.to_builtins(roster)
    del content["signature"]
    plain = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return hmac.new(key, plain, hashlib.sha256).hexdigest()


def _is_online_only(machine: Machine) -> bool:
    access = getattr(machine, "access", None) or MachineAccess(machine=machine)
    # A second person cannot be asked for by a list of names.
    return machine.risk >= RISK_OF_INJURY or not access.may_start_offline or access.needs_two_people


def _entries(device: Device, machine: Machine, now: dt.datetime, asked: Asked) -> list[RosterEntry]:
    until = now + VALID_FOR
    stopped = {denial.code for denial in outage_denials(machine, now)}
    if SAFETY_INPUT in stopped:
        return []
    spans = [] if stopped else _spans_of_reservations(machine, now, until)
    # The team of the site uses what others may not; whoever else comes is asked what a reader in reach asks.
    team = set(
        RoleGrant.objects.filter(site=machine.site, role__in=[str(role) for role in STAFF_ROLES]).values_list(
            "person_id", flat=True
        )
    )
    marks = _marks(device, team | {person_id for person_id, _, _ in spans})
    starts: dict[int, list[dt.datetime]] = defaultdict(list)
    for person_id, start, _end in spans:
        starts[person_id].append(start)
    barred = {
        person_id for person_id in starts.keys() - team if not _may_begin(machine, marks, person_id, starts, asked)
    }
    spans = [span for span in spans if span[0] not in barred]
    spans += [(person_id, now, until) for person_id in sorted(team)]
    return sorted(
        (
            RosterEntry(mark, person.get_short_name(), _iso(max(start, now)), _iso(min(end, until)))
            for person_id, start, end in spans
            for mark, person in marks.get(person_id, ())
        ),
        key=lambda entry: (entry.start, entry.badge),
    )


def _may_begin(machine: Machine, marks: Marks, person_id: int, starts: Starts, asked: Asked) -> bool:
    """At the first and at the last of their times: each answer takes queries, and out of reach a no does no harm."""
    if person_id not in marks:
        return False
    key = machine.pk, person_id
    if key not in asked:
        person, times = marks[person_id][0][1], starts[person_id]
        asked[key] = not any(person_denials(machine, person, at) for at in {min(times), max(times)})
    return asked[key]


def _spans_of_reservations(
    machine: Machine, now: dt.datetime, until: dt.datetime
) -> list[tuple[int, dt.datetime, dt.datetime]]:
    """Who may come and when, by what a reservation holds: a group holds eight computers with one of them."""
    held = HeldUnit.objects.filter(unit=machine.unit_id, is_holding=True).values("reservation")
    rows = Reservation.objects.filter(
        pk__in=held, status__in=[Status.CONFIRMED, Status.IN_USE], start__lt=until, end__gt=now
    )
    times = {row.pk: row for row in rows}
    by_team: dict[int, list[Reservation]] = defaultdict(list)
    for row in rows:
        by_team[row.team_id or 0].append(row)
    spans = [(row.holder_id, row.start, row.end) for row in rows if row.holder_id is not None and row.holder_takes_part]
    companions = Participant.objects.filter(reservation__in=times).values_list("reservation_id", "person_id")
    spans += [(person_id, times[pk].start, times[pk].end) for pk, person_id in companions]
    members = TeamMembership.objects.filter(team__in=by_team).values_list("team_id", "person_id")
    spans += [(person_id, row.start, row.end) for team_id, person_id in members for row in by_team[team_id]]
    # A member who is named as well comes once.
    return list(dict.fromkeys(spans))


def _marks(device: Device, person_ids: Iterable[int]) -> dict[int, list[tuple[str, Person]]]:
    """By person: what their badges look like to the device, and whose name to show."""
    rows = BadgeMark.objects.filter(
        device=device, badge__person__in=list(person_ids), badge__blocked_at=None, badge__person__is_active=True
    ).select_related("badge__person")
    found: dict[int, list[tuple[str, Person]]] = {}
    for row in rows:
        found.setdefault(row.badge.person_id, []).append((row.mark, row.badge.person))
    return found


def _iso(instant: dt.datetime) -> str:
    return instant.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
