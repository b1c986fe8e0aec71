"""Hours of printing since somebody looked after a printer, and what was done then."""

import datetime as dt
from typing import Any

from django.db import transaction
from django.db.models import Case, DateTimeField, DurationField, F, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Greatest
from django.utils.translation import gettext as _

from fablab.lib.live import announce_machines
from machines.models import Machine, Outage
from people.errors import NotAllowed
from people.models import Person
from people.permissions import is_staff
from printing.models import Intervention, OtherPrint, Printer, PrintJob

LONGEST_NOTE = 200
NOTHING = Value(dt.timedelta(), output_field=DurationField())
EVER = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def with_care(printers: QuerySet[Printer], now: dt.datetime) -> QuerySet[Printer]:
    """These, with when each was last looked after (`maintained_at`, None for never) and how long it has printed since
    (`printed_since`, None for not at all), whoever sent it. One query.

    Looked after is what somebody noted, and what was declared as maintenance and is over.
    """
    ended = Outage.objects.filter(machine=OuterRef("machine"), kind=Outage.Kind.MAINTENANCE, end__lte=now)
    noted = Intervention.objects.filter(printer=OuterRef("pk"))
    # PostgreSQL's GREATEST passes over what is not known.
    maintained = Greatest(
        Subquery(ended.order_by("-end").values("end")[:1]),
        Subquery(noted.order_by("-done_at").values("done_at")[:1]),
        output_field=DateTimeField(),
    )
    since = Coalesce(OuterRef("maintained_at"), Value(EVER), output_field=DateTimeField())
    ours = PrintJob.objects.filter(machine=OuterRef("machine"), printed__isnull=False, started_at__gte=since)
    others = OtherPrint.objects.filter(printer=OuterRef("pk"), start__gte=since)
    printed = _total(ours, "machine", F("printed"))
    printed_elsewhere = _total(others, "printer", F("seen_until") - F("start"))
    is_known = Q(printed_here__isnull=False) | Q(printed_elsewhere__isnull=False)
    both = Coalesce("printed_here", NOTHING) + Coalesce("printed_elsewhere", NOTHING)
    return (
        printers.annotate(maintained_at=maintained)
        .annotate(printed_here=printed, printed_elsewhere=printed_elsewhere)
        .annotate(printed_since=Case(When(is_known, then=both), output_field=DurationField()))
    )


def _total(rows: QuerySet[Any], owner: str, lasted: Combinable) -> Subquery:
    """The sum for each owner; NULL where there is nothing to sum."""
    totals = rows.order_by().values(owner).annotate(total=Sum(lasted, output_field=DurationField()))
    return Subquery(totals.values("total"), output_field=DurationField())


def note_intervention(*, machine: Machine, by: Person, now: dt.datetime, note: str = "") -> Intervention:
    """Somebody looked after the machine's printer: its hours are counted anew from now on.

    Raises:
        NotAllowed: `by` is not of the team there.
        Printer.DoesNotExist: the machine has none.
    """
    if not is_staff(by, machine):
        raise NotAllowed("not_of_the_team", _("Only the team there notes what was done on a machine."))
    with transaction.atomic():
        # Locked, so that of two taps the second finds nothing printed in between.
        printer = Printer.objects.select_for_update(of=("self",)).get(machine=machine)
        printed = with_care(Printer.objects.filter(pk=printer.pk), now).get().printed_since  # type: ignore[attr-defined]
        made = Intervention.objects.create(
            printer=printer,
            done_at=now,
            done_by=by,
            note=note.strip()[:LONGEST_NOTE],
            printed=printed or dt.timedelta(),
        )
        announce_machines([machine.pk])
    return made
