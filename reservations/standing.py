"""What stands between somebody and a reservation beside the machine, as far as the lab uses it at all: one look."""

import datetime as dt
from dataclasses import dataclass

from django.db import connection

from people.models import Person

SQL = """
SELECT EXISTS (SELECT FROM reservations_creditpack) OR EXISTS (SELECT FROM reservations_creditlot),
       (SELECT coalesce(sum("left"), 0) FROM reservations_creditlot
        WHERE person_id = %s AND (expires_at IS NULL OR expires_at > %s)),
       EXISTS (SELECT FROM machines_houserules),
       EXISTS (SELECT FROM machines_inductionrequest WHERE person_id = %s AND done_at IS NULL),
       EXISTS (SELECT FROM people_suspension
               WHERE person_id = %s AND "start" <= %s AND ("end" IS NULL OR "end" > %s))
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """`credits`: what the person may use now, None where the lab has never had anything to do with credits."""

    credits: int | None
    has_house_rules: bool
    waits_for_induction: bool
    is_suspended: bool


def standing_of(person: Person, now: dt.datetime) -> Standing:
    """What there is to ask about. One query."""
    with connection.cursor() as cursor:
        cursor.execute(SQL, [person.pk, now, person.pk, person.pk, now, now])
        uses_credits, balance, *rest = cursor.fetchone()
    return Standing(int(balance) if uses_credits else None, *rest)
