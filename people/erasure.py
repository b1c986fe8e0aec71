"""Making a person anonymous for good: everywhere, in one transaction, provably, and again after a restore."""

import datetime as dt
import logging
from collections.abc import Sequence

from allauth.account.models import EmailAddress
from django.db import connection, transaction
from django.db.models import Q

from fablab.lib.personal_data import Obstacle, erasers, refusers
from fablab.lib.references import card_code12
from people import erasure_ledger
from people.errors import PeopleError
from people.forgetting import forget_person
from people.models import Erasure, Person
from people.redaction import name_alone, redact, redact_own, words_of
from people.selectors import administered_sites

log = logging.getLogger(__name__)

EMPTIED = {
    "first_name": "",
    "last_name": "",
    "sort_name": "",
    "contact_email": "",
    "phone": "",
    "town": "",
    "birth_year": None,
    "household": None,
    "guardian": None,
    "guardian_name": "",
    "guardian_phone": "",
    "registered_by": None,
    "is_active": False,
    "is_staff": False,
    "is_superuser": False,
    "last_login": None,
    "last_seen_at": None,
}


class ErasureRefused(PeopleError):
    """Something must be done first; `obstacles` says all of it."""

    def __init__(self, obstacles: Sequence[Obstacle]) -> None:
        super().__init__(obstacles[0].code, obstacles[0].sentence)
        self.obstacles = list(obstacles)


def obstacles_to_erasing(person: Person, *, now: dt.datetime) -> list[Obstacle]:
    """Every reason why the person cannot be erased yet; none: they can."""
    return [obstacle for refuse in refusers() for obstacle in refuse(person, now)]


def erase_person(*, person: Person, by: Person | None, now: dt.datetime) -> Erasure:
    """Make the person anonymous; what they did stays as a count. Erasing twice changes nothing.

    Side effects in order: their last name leaves the texts of their own rows; each app's own steps (reservations to
    come are cancelled, files given up); every declared table is emptied of them; their row loses all but its
    reference; their full name leaves what others wrote; the proof is stored; after the commit, the ledger gets its
    line. `by` is written nowhere: an erasure names nobody.

    Raises:
        ErasureRefused: a reservation or a print is running, or nobody else would be in charge.
    """
    with transaction.atomic():
        # What stands in the way is asked once nobody else can begin anything for this person, or leave a site that
        # they administer: sites first, then people, as in an import.
        list(administered_sites(person).select_for_update(of=("self",), no_key=True).order_by("pk"))
        _locked_with_wards(person)
        obstacles = obstacles_to_erasing(person, now=now)
        if obstacles:
            raise ErasureRefused(obstacles)
        return _erase(person, now, erased_at=now)


def replay_erasures(*, now: dt.datetime) -> int:
    """Erase again whoever was erased before and is back, as after a restore; how many.

    Nobody is asked: they were erased already. The ledger then gets the lines that it lacks.
    """
    known = {entry.reference: entry.erased_at for entry in erasure_ledger.entries()}
    proven = dict(Erasure.objects.values_list("reference", "erased_at"))
    for reference, erased_at in proven.items():
        if reference not in known:
            erasure_ledger.append(erasure_ledger.Entry(reference, erased_at))
    every = proven | known
    back = Person.objects.filter(reference__in=every, erased_at=None)
    count = 0
    for person in back:
        _erase(person, now, erased_at=every[person.reference])
        count += 1
    if count:
        log.warning("Erased again after a restore: %d.", count)
    return count


@transaction.atomic
def _erase(person: Person, now: dt.datetime, *, erased_at: dt.datetime) -> Erasure:
    fresh = _locked_with_wards(person)
    if fresh.erased_at is not None:
        return Erasure.objects.get_or_create(reference=fresh.reference, defaults={"erased_at": fresh.erased_at})[0]
    with connection.cursor() as cursor:
        # Until the end of this transaction: what is else only added to lets a name go.
        cursor.execute("SELECT set_config('fablab.erasing', 'on', true)")
    words = words_of(fresh, EmailAddress.objects.filter(user=fresh).values_list("email", flat=True))
    redact_own(fresh, name_alone(fresh))
    for erase in erasers():
        erase(fresh, now)
    forget_person(fresh)
    fresh.groups.clear()
    fresh.user_permissions.clear()
    for name, value in EMPTIED.items():
        setattr(fresh, name, value)
    fresh.card_code, fresh.erased_at = card_code12(), erased_at
    fresh.set_unusable_password()
    fresh.save()
    redact(words)
    erasure, is_new = Erasure.objects.get_or_create(reference=fresh.reference, defaults={"erased_at": erased_at})
    if is_new:
        _note_after_commit(erasure)
    return erasure


def _locked_with_wards(person: Person) -> Person:
    """Their row as it is now. Those they answer for are written too: they are locked with them, by id, as all do who
    lock several people."""
    rows = Person.objects.select_for_update(of=("self",), no_key=True).filter(Q(pk=person.pk) | Q(guardian=person.pk))
    return next(row for row in list(rows.order_by("pk")) if row.pk == person.pk)


def _note_after_commit(erasure: Erasure) -> None:
    entry = erasure_ledger.Entry(erasure.reference, erasure.erased_at)
    if entry.reference not in {known.reference for known in erasure_ledger.entries()}:
        # Not before: a line about somebody who was not erased after all would erase them with the next restore. If
        # the process dies in between, the next replay adds the line from the stored proof.
        transaction.on_commit(lambda: erasure_ledger.append(entry))
