"""Who is told what about something lent: reminders for the borrower, a warning for the team and for the next one."""

import datetime as dt
from typing import Any

from django.urls import reverse

from people.models import Notice
from people.notices import settle, tell
from people.notices.team import tell_team
from reservations.models import Loan, Reservation

DAY = dt.timedelta(days=1)
# The day before, when it is due, and the day after.
REMINDERS = (("loan_due_soon", -DAY), ("loan_due", dt.timedelta(0)), ("loan_overdue", DAY))


def remind_of_due(reservation: Reservation, now: dt.datetime) -> None:
    """Write down the reminders that lie ahead of what is out; twice is once."""
    holder = reservation.holder
    if holder is None:
        return
    for kind, offset in REMINDERS:
        due_at = reservation.end + offset
        if due_at > now:
            tell(
                person=holder, kind=kind, key=f"{_key(reservation)}{reservation.end.isoformat()}:{kind}",
                params=_params(reservation), link=reservation.get_absolute_url(), site=reservation.site, now=now,
                due_at=due_at,
            )  # fmt: skip


def forget_due(reservation: Reservation, now: dt.datetime) -> None:
    """It is back, or due at another time: nobody is reminded or called any more."""
    settle(key_prefix=_key(reservation), now=now)
    # What nobody was told must not come up in their pages on its day.
    Notice.objects.filter(key__startswith=_key(reservation), due_at__gt=now).delete()


def tell_team_overdue(loan: Loan, now: dt.datetime) -> None:
    """Once: who has it and their telephone number stand on the list of loans, not in the message."""
    reservation = loan.reservation
    tell_team(
        site=reservation.site, kind="loan_overdue_team", key=f"{_overdue_key(loan)}team",
        params=_params(reservation), link=reverse("desk-loans"), now=now,
    )  # fmt: skip


def tell_next(loan: Loan, coming: Reservation, twin: str, now: dt.datetime) -> None:
    """The next borrower, once: it is not back yet, and what is free instead."""
    if coming.holder is None:
        return
    tell(
        person=coming.holder, kind="loan_not_back_twin" if twin else "loan_not_back",
        key=f"{_overdue_key(loan)}next:{coming.pk}", params=_params(coming) | {"twin": twin}, now=now, site=coming.site,
        link=f"/reserve/?moving={coming.reference}" if twin else coming.get_absolute_url(),
    )  # fmt: skip


def was_told_of_next(loan: Loan, coming: Reservation) -> bool:
    """Whether the next borrower knows already. One query."""
    return Notice.objects.filter(key=f"{_overdue_key(loan)}next:{coming.pk}").exists()


def tell_back(loan: Loan, now: dt.datetime) -> None:
    """It is back: whoever was not told yet need not be, and the next borrower who was told is told this too."""
    key = _overdue_key(loan)
    told = Notice.objects.filter(key__startswith=f"{key}next:").values_list("key", flat=True)
    numbers = [int(text.removeprefix(f"{key}next:")) for text in told]
    settle(key_prefix=key, now=now)
    rows = Reservation.objects.filter(pk__in=numbers, end__gt=now, status="confirmed", machine=loan.reservation.machine)
    for coming in rows.with_places().select_related("holder"):
        if coming.holder is not None:
            tell(
                person=coming.holder, kind="loan_is_back", key=f"loan-back:{loan.pk}:{coming.pk}",
                params=_params(coming), link=coming.get_absolute_url(), site=coming.site, now=now,
            )  # fmt: skip


def _key(reservation: Reservation) -> str:
    return f"loan:{reservation.pk}:"


def _overdue_key(loan: Loan) -> str:
    return f"loan-overdue:{loan.pk}:"


def _params(reservation: Reservation) -> dict[str, Any]:
    """What and when, and nothing of anybody."""
    return {
        "what": reservation.what,
        "start": reservation.start.isoformat(),
        "end": reservation.end.isoformat(),
        "zone": reservation.site.time_zone,
    }
