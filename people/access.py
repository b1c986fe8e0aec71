"""Getting in without an e-mail address: a card and a one-time code of six digits.

A code opens nothing by itself: the pages that ask for one answer on an enrolled screen or at the desk only.
"""

import datetime as dt
import secrets

from django.db import connection, transaction
from django.db.models import F
from django.utils.crypto import constant_time_compare, salted_hmac

from fablab.lib.references import card_code12
from people.locking import locked_person
from people.models import AccessCode, FileAccess, Person
from people.models.access import MOST_TRIES
from people.services import note_access
from people.sign_in import check_may_change_access
from people.sign_out import sign_out_everywhere

CODE_DIGITS = 6
# Made in the morning, still good for an evening visit the day it was told.
CODE_LASTS = dt.timedelta(hours=24)


def issue_code(*, person: Person, by: Person, now: dt.datetime) -> str:
    """A new code of six digits for the person, told this once; an earlier one stops working.

    Side effects in order: replace the code, note it in the person's file.

    Raises:
        NotAllowed: `access_too_high`, for somebody of the team whose role goes further than that of `by`.
        WrongState: `person_is_gone`.
    """
    check_may_change_access(by, person)
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
    fresh = {
        "digest": _digest(person.pk, code),
        "tries_left": MOST_TRIES,
        "created_at": now,
        "expires_at": now + CODE_LASTS,
        "used_at": None,
        "issued_by": by,
    }
    with transaction.atomic():
        locked_person(person.pk)
        AccessCode.objects.update_or_create(person=person, defaults=fresh)
        note_access(person=person, by=by, deed=FileAccess.Deed.CODE, now=now)
    return code


def check_code(*, card_code: str, code: str, now: dt.datetime) -> Person | None:
    """Whose card and code these are, and the code is used up; None when anything is wrong, never saying what.

    A try is taken before the code is looked at, by a conditional update: of a thousand tries at once five count.
    A card that nobody has takes the same statements and the same time.
    """
    with transaction.atomic():
        # A written try would wait for the disk where an unknown card has nothing to write: that could be measured.
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('synchronous_commit', 'off', true)")
        person_id = _holder_id(card_code)
        codes = AccessCode.objects.filter(person_id=person_id)
        has_try = codes.usable_at(now).update(tries_left=F("tries_left") - 1)
        kept = codes.values_list("digest", flat=True).first() or ""
        is_right = constant_time_compare(kept, _digest(person_id, _only_digits(code)))
        if not (has_try and is_right):
            return None
        if not codes.filter(digest=kept, used_at=None, expires_at__gt=now).update(used_at=now):
            return None
        return Person.objects.get(pk=person_id)


def reset_card(*, person: Person, by: Person, now: dt.datetime) -> str:
    """A new card code; the old card, the code that went with it, every open session and what programs read with end.

    Raises:
        NotAllowed: `access_too_high`, as for a code.
        WrongState: `person_is_gone`.
    """
    check_may_change_access(by, person)
    with transaction.atomic():
        fresh = locked_person(person.pk)
        fresh.card_code = card_code12()
        fresh.save(update_fields=["card_code"])
        AccessCode.objects.filter(person=fresh).delete()
        sign_out_everywhere(person=fresh, now=now)
        note_access(person=fresh, by=by, deed=FileAccess.Deed.CARD, now=now)
    person.card_code = fresh.card_code
    return fresh.card_code


def _holder_id(card_code: str) -> int:
    """Of whoever the card belongs to; 0 for nobody. Typed by hand, it may come in groups and in small letters."""
    typed = card_code.replace("\x00", "").strip()[:64]
    plain = "".join(c for c in typed if c.isalnum()).upper()
    rows = Person.objects.filter(card_code__in={typed, plain}, is_active=True, erased_at=None)
    return rows.order_by("pk").values_list("pk", flat=True).first() or 0


def _only_digits(code: str) -> str:
    return "".join(c for c in code[:20] if c in "0123456789")


def _digest(person_id: int, code: str) -> str:
    return salted_hmac("people.access", f"{person_id}:{code}", algorithm="sha256").hexdigest()
