"""Which of the rarer rules a lab uses at all: one look instead of one for each, before any reservation."""

from dataclasses import dataclass

from django.db import connection

SQL = """
SELECT EXISTS (SELECT FROM machines_bookingpolicy), EXISTS (SELECT FROM machines_unitpart),
       EXISTS (SELECT FROM machines_houserules), EXISTS (SELECT FROM reservations_quota)
"""


@dataclass(frozen=True, slots=True)
class InUse:
    """Whether there is anything of the kind in the whole installation."""

    policies: bool = True
    parts: bool = True
    house_rules: bool = True
    quotas: bool = True


def in_use() -> InUse:
    """What there is to ask for. One query."""
    with connection.cursor() as cursor:
        cursor.execute(SQL)
        return InUse(*cursor.fetchone())
