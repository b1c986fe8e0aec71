"""Writes about qualifications: grant to one or many at once, and revoke.

Anybody of the team may grant, whatever they hold themselves: a place that opens has no trainer yet, and who granted
is kept beside each grant. Only nobody grants to themselves, unless they manage and nobody else could.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from machines.models import Qualification, QualificationGrant
from machines.models.qualification import Level
from people.errors import NotAllowed, NotValid
from people.locking import locked_people
from people.models import FileAccess, Person
from people.permissions import is_manager, is_staff
from people.ranks import check_may_undo
from people.services import note_access


class Outcome(StrEnum):
    """What came of a grant for one person."""

    GRANTED = "granted"
    RAISED = "raised"
    EXTENDED = "extended"
    # They held as much already.
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Granted:
    """One person's part of a grant to many."""

    person: Person
    outcome: Outcome
    grant: QualificationGrant


def grant_qualification(
    *,
    people: Iterable[Person],
    qualification: Qualification,
    level: Level,
    expires_at: dt.datetime | None,
    by: Person,
    now: dt.datetime,
) -> list[Granted]:
    """Grant it to all of them or, when one may not have it, to none.

    Nobody holds a qualification twice at a time: the same level again moves the expiry later, a higher level ends the
    lower one now (history keeps it), and a grant that would lower what they hold changes nothing.

    Side effects in order: lock the people by id; per person the grants; a note in each file that changed.

    Raises:
        NotAllowed: `not_of_the_team`, `own_qualification`.
        NotValid: `expiry_passed`.
        WrongState: `person_is_gone`, of one of them.
    """
    if not is_staff(by):
        raise NotAllowed("not_of_the_team", _("Only the team grants qualifications."))
    if expires_at is not None and expires_at <= now:
        raise NotValid("expiry_passed", _("Choose a last day that is still to come."), "until")
    wanted = sorted({person.pk for person in people})
    if by.pk in wanted and not is_manager(by):
        raise NotAllowed("own_qualification", _("Nobody grants themselves a qualification. Ask somebody of the team."))
    with transaction.atomic():
        rows = locked_people(wanted)
        return [_grant_one(rows[pk], qualification, level, expires_at, by, now) for pk in wanted]


def revoke_qualification(*, grant: QualificationGrant, by: Person, now: dt.datetime) -> None:
    """The qualification ends now; what is reserved stays, and is refused at the machine. Revoked twice it stays ended.

    Raises:
        NotAllowed: `not_of_the_team`, `of_another_place`.
    """
    if not is_staff(by):
        raise NotAllowed("not_of_the_team", _("Only the team revokes qualifications."))
    check_may_undo(by, grant.granted_by)
    with transaction.atomic():
        fresh = QualificationGrant.objects.select_for_update(of=("self",)).filter(pk=grant.pk).first()
        if fresh is not None and (fresh.expires_at is None or fresh.expires_at > now):
            _end(fresh, now)
            note_access(person=fresh.person, by=by, deed=FileAccess.Deed.QUALIFIED, now=now)


def _grant_one(
    person: Person,
    qualification: Qualification,
    level: Level,
    expires_at: dt.datetime | None,
    by: Person,
    now: dt.datetime,
) -> Granted:
    held = QualificationGrant.objects.filter(person=person, qualification=qualification).valid_at(now)
    best = held.order_by("-level", "-granted_at").first()
    if best is not None and (best.level > level or (best.level == level and not _is_later(expires_at, best))):
        return Granted(person, Outcome.KEPT, best)
    if best is not None and best.level == level:
        best.expires_at, best.granted_by = expires_at, by
        best.save(update_fields=["expires_at", "granted_by"])
        outcome, grant = Outcome.EXTENDED, best
    else:
        outcome = Outcome.GRANTED if best is None else Outcome.RAISED
        for lower in held:
            _end(lower, now)
        grant = QualificationGrant.objects.create(
            person=person,
            qualification=qualification,
            level=level,
            granted_at=now,
            granted_by=by,
            expires_at=expires_at,
        )
    note_access(person=person, by=by, deed=FileAccess.Deed.QUALIFIED, now=now)
    return Granted(person, outcome, grant)


def _is_later(expires_at: dt.datetime | None, held: QualificationGrant) -> bool:
    if held.expires_at is None:
        return False
    return expires_at is None or expires_at > held.expires_at


def _end(grant: QualificationGrant, now: dt.datetime) -> None:
    """One of this very moment never held: the database refuses a grant that ends when it began."""
    if grant.granted_at >= now:
        grant.delete()
        return
    grant.expires_at = now
    grant.save(update_fields=["expires_at"])
