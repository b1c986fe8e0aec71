"""Who may start while the lab is out of reach: for one device, signed with its own key, good for a day.

Nobody for a machine that can hurt. Else those with a reservation in the next day, those who come along, the members of
a team that reserved, and the team of the site: each only once their badge was tapped since the device was let in.
"""

import datetime as dt
import hashlib
import hmac
import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import msgspec
from django.db.models import F

from fablab.lib.secretbox import SecretUnreadable, unseal
from iot.models import BadgeMark, Device, DriverKind, MachineAccess
from iot.protocol import Roster, RosterEntry
from machines.models import Machine
from people.models import STAFF_ROLES, Person, RoleGrant, TeamMembership
from reservations.models import Participant, Reservation, Status
from reservations.rules import RISK_OF_INJURY

VALID_FOR = dt.timedelta(hours=24)


def devices_with_roster() -> list[Device]:
    """Our own devices that have a key and a machine."""
    rows = Device.objects.filter(kind=DriverKind.FABLAB, revoked_at=None, machine__isnull=False)
    return list(rows.exclude(roster_key_sealed="").select_related("machine__access").order_by("pk"))


def revoked_with_roster() -> list[Device]:
    """Those that were shut out while the broker kept a roster of theirs."""
    return list(Device.objects.filter(revoked_at__isnull=False, roster_version__gt=0).order_by("pk"))


def roster_of(device: Device, now: dt.datetime) -> Roster:
    """The device's roster as of now, signed; its number is higher than that of any earlier one.

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
    entries = [] if machine is None or is_online_only else _entries(device, machine, now)
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


def _entries(device: Device, machine: Machine, now: dt.datetime) -> list[RosterEntry]:
    until = now + VALID_FOR
    spans = _spans_of_reservations(machine, now, until)
    team = RoleGrant.objects.filter(site=machine.site, role__in=[str(role) for role in STAFF_ROLES])
    for person_id in team.values_list("person_id", flat=True):
        spans.append((person_id, now, until))
    marks = _marks(device, {person_id for person_id, _, _ in spans})
    return sorted(
        (
            RosterEntry(mark, name, _iso(max(start, now)), _iso(min(end, until)))
            for person_id, start, end in spans
            for mark, name in marks.get(person_id, ())
        ),
        key=lambda entry: (entry.start, entry.badge),
    )


def _spans_of_reservations(
    machine: Machine, now: dt.datetime, until: dt.datetime
) -> list[tuple[int, dt.datetime, dt.datetime]]:
    rows = Reservation.objects.filter(
        machine=machine, status__in=[Status.CONFIRMED, Status.IN_USE], start__lt=until, end__gt=now
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
    return spans


def _marks(device: Device, person_ids: Iterable[int]) -> dict[int, list[tuple[str, str]]]:
    """By person: what their badges look like to the device, and the name to show."""
    rows = BadgeMark.objects.filter(
        device=device, badge__person__in=list(person_ids), badge__blocked_at=None, badge__person__is_active=True
    ).select_related("badge__person")
    found: dict[int, list[tuple[str, str]]] = {}
    for row in rows:
        person: Person = row.badge.person
        found.setdefault(person.pk, []).append((row.mark, person.get_short_name()))
    return found


def _iso(instant: dt.datetime) -> str:
    return instant.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
