import datetime as dt
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.fields import DateTimeRangeField
from django.contrib.postgres.indexes import GistIndex
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from fablab.lib import retention
from fablab.lib.personal_data import PersonalData
from fablab.lib.references import reference10
from machines.models import Machine
from people.models import Person, Site, Team, TeamMembership
from people.permissions import staff_site_ids
from reservations.models.series import ReservationSeries
from reservations.purposes import BOOKINGS

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class Status(models.TextChoices):
    """The life of a reservation. Nothing is deleted: it ends in one of the last five."""

    DRAFT = "draft", _("draft")
    HELD = "held", _("held")
    PENDING = "pending", _("waiting for approval")
    CONFIRMED = "confirmed", _("confirmed")
    IN_USE = "in_use", _("in use")
    COMPLETED = "completed", _("finished")
    CANCELLED = "cancelled", _("cancelled")
    REFUSED = "refused", _("refused")
    EXPIRED = "expired", _("expired")
    NO_SHOW = "no_show", _("not used")


# Those that hold their units: finished ones too, so that history uses the same index.
HOLDING = frozenset({Status.HELD, Status.PENDING, Status.CONFIRMED, Status.IN_USE, Status.COMPLETED})
# Those that still lie ahead or run.
OPEN = frozenset({Status.HELD, Status.PENDING, Status.CONFIRMED, Status.IN_USE})


class Origin(models.TextChoices):
    """Through which door it came."""

    PAGE = "page", _("page")
    API = "api", _("API")
    DESK = "desk", _("desk")
    KIOSK = "kiosk", _("kiosk")
    WALK_UP = "walk_up", _("at the machine")
    IMPORT = "import", _("import")
    WAITING = "waiting", _("waiting list")
    SERIES = "series", _("series")


TIMES = models.Func("start", "end", function="tstzrange", output_field=DateTimeRangeField())


class ReservationQuerySet(models.QuerySet["Reservation"]):
    def visible_to(self, person: "Person | AnonymousUser") -> "ReservationQuerySet":
        """One's own, and for staff all of their sites."""
        if not person.is_authenticated:
            return self.none()
        if person.is_superuser:
            return self
        sites = staff_site_ids(person)
        # Asked as one "or", a member's few would be looked for among everybody's.
        return self.filter(Q(holder=person) | Q(site__in=sites)) if sites else self.filter(holder=person)

    def known_to(self, person: "Person | AnonymousUser") -> "ReservationQuerySet":
        """Those of `visible_to`, those in which the person takes part, and those of a team they organise.

        For one that is looked up by its reference: a list would look among everybody's.
        """
        if not person.is_authenticated:
            return self.none()
        if person.is_superuser:
            return self
        organised = TeamMembership.objects.filter(person=person, is_organiser=True).values("team")
        comes_to = person.participations.values("reservation")
        theirs = Q(holder=person) | Q(pk__in=comes_to) | Q(team__in=organised)
        return self.filter(theirs | Q(site__in=staff_site_ids(person)))

    def open(self) -> "ReservationQuerySet":
        return self.filter(status__in=OPEN)

    def rows_of_person(self, person: Person, *fields: str) -> "models.QuerySet[Any, Any]":
        """These fields of those where the person comes: their own, and those of others in which they take part.

        A union, so that each half finds its own index: joined by "or", everybody's would be read. Filter before.
        """
        own = self.order_by().filter(holder=person, holder_takes_part=True).values_list(*fields)
        return own.union(self.order_by().filter(participants__person=person).values_list(*fields))

    def overlapping(self, start: dt.datetime, end: dt.datetime) -> "ReservationQuerySet":
        """Those that share an instant with [start, end): none where that is empty."""
        if end <= start:
            return self.none()
        # As a range, for the index over it: with two bounds all that began before `end` is read, the whole past.
        return self.alias(times=TIMES).filter(times__overlap=(start, end))

    def with_places(self) -> "ReservationQuerySet":
        return self.select_related(
            "site",
            "machine__category__qualification",
            "machine__room",
            "machine__unit__site",
            "machine__qualification",
        )


class Reservation(models.Model):
    """Time on a machine, promised to somebody (or to an anonymous ticket).

    What the team reserves for a group (a room and eight computers) has a public `title` and no one machine: its
    held units say what it holds.

    `start` and `end` are what holds now; `booked_start` and `booked_end` what was last asked for,
    kept when an early finish gives the tail back.
    """

    reference = models.CharField(max_length=12, unique=True, default=reference10, editable=False)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="reservations", db_index=False)
    machine = models.ForeignKey(
        Machine, null=True, blank=True, on_delete=models.PROTECT, related_name="reservations", db_index=False
    )
    title = models.CharField(_("title, as everybody will read it"), max_length=120, blank=True)
    series = models.ForeignKey(
        ReservationSeries, null=True, blank=True, on_delete=models.PROTECT, related_name="reservations"
    )
    holder = models.ForeignKey(
        # The indexes of both begin with these columns already.
        Person,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="reservations",
        db_index=False,
    )
    # In a team the one who books need not come: then only the participants are busy then.
    holder_takes_part = models.BooleanField(_("whoever books takes part"), default=True)
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT, related_name="reservations")
    status = models.CharField(_("status"), max_length=12, choices=Status.choices, default=Status.CONFIRMED)
    origin = models.CharField(_("made at"), max_length=12, choices=Origin.choices, default=Origin.PAGE)
    start = models.DateTimeField(_("from"))
    end = models.DateTimeField(_("until"))
    booked_start = models.DateTimeField(editable=False)
    booked_end = models.DateTimeField(editable=False)
    expires_at = models.DateTimeField(null=True, blank=True, editable=False)
    # The day of the series that it stands for, also once it was moved.
    series_date = models.DateField(null=True, blank=True, editable=False)
    credits = models.PositiveIntegerField(_("credits taken"), default=0, editable=False)
    note = models.CharField(_("what for"), max_length=200, blank=True)

    created_at = models.DateTimeField(editable=False)
    created_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    checked_in_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    cancelled_by = models.ForeignKey(Person, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    # The answer of the team to one that waited for it, and why.
    decided_at = models.DateTimeField(null=True, blank=True, editable=False)
    decided_by = models.ForeignKey(
        Person, null=True, blank=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    decision = models.CharField(_("answer, as the person will read it"), max_length=240, blank=True)
    # Nobody came yet: asked whether somebody will, and until when the answer lets it stand.
    asked_at = models.DateTimeField(null=True, blank=True, editable=False)
    grace_until = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ReservationQuerySet.as_manager()

    personal_data = PersonalData(
        BOOKINGS,
        _("who reserved what, when, for which team, and the note they wrote"),
        retention.BOOKING,
        subject="holder",
        clock="end",
        blanked=("note", "decision"),
        exported=("reference", "site", "machine", "team", "status", "start", "end", "note", "created_at",
                  "checked_in_at", "finished_at", "cancelled_at", "decided_at", "decision", "credits"),
        free_text=("note", "title", "decision"),
    )  # fmt: skip

    class Meta:
        verbose_name = _("reservation")
        verbose_name_plural = _("reservations")
        ordering = ["start", "id"]
        indexes = [
            models.Index(fields=["holder", "start"], name="reservation_holder_start"),
            models.Index(
                fields=["holder", "end"],
                name="reservation_holder_open",
                condition=Q(status__in=["held", "pending", "confirmed", "in_use"]),
            ),
            models.Index(fields=["start", "id"], name="reservation_start"),
            models.Index(fields=["machine", "start"], name="reservation_machine_start"),
            models.Index(fields=["site", "start"], name="reservation_site_start"),
            # What touches a day, whatever the years behind: see `overlapping`.
            GistIndex(
                models.Func("start", "end", function="tstzrange", output_field=DateTimeRangeField()),
                name="reservation_times",
            ),
            models.Index(fields=["end"], name="reservation_open_end", condition=Q(status__in=["confirmed", "in_use"])),
            models.Index(fields=["expires_at"], name="reservation_expiry", condition=Q(status__in=["held", "pending"])),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(end__gt=F("start")),
                name="reservation_ends_after_it_starts",
                violation_error_message=_("A reservation ends after it starts."),
            ),
            models.CheckConstraint(
                condition=Q(machine__isnull=False) | ~Q(title=""),
                name="reservation_has_machine_or_title",
                violation_error_message=_("Give it a title, so that people know what it is for."),
            ),
            models.CheckConstraint(condition=Q(booked_end__gt=F("booked_start")), name="reservation_booked_in_order"),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="reservation_status_is_known"),
            models.CheckConstraint(
                condition=Q(cancelled_at__isnull=True) ^ Q(status__in=["cancelled"]),
                name="reservation_cancelled_has_its_time",
            ),
            models.CheckConstraint(
                condition=~Q(status="held") | Q(expires_at__isnull=False), name="reservation_held_has_an_end"
            ),
            models.CheckConstraint(
                condition=~Q(status="refused") | Q(decided_at__isnull=False), name="reservation_refused_was_decided"
            ),
            models.CheckConstraint(
                condition=~Q(status="no_show") | Q(checked_in_at__isnull=True), name="reservation_no_show_never_came"
            ),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True) | Q(status="completed"),
                name="reservation_finished_is_completed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.what} {self.start:%Y-%m-%d %H:%M}"

    def get_absolute_url(self) -> str:
        return reverse("reservation", args=[self.reference])

    @property
    def what(self) -> str:
        """The machine's name, or what the team reserved it for."""
        return self.title or (self.machine.name if self.machine else "")

    @property
    def to_call(self) -> Person | None:
        """With whom to speak about it: whoever holds it, or who reserved it for a group. Nobody of a ticket."""
        return self.holder or (self.created_by if self.machine_id is None else None)

    @property
    def is_movable(self) -> bool:
        """Whether its time may still change."""
        return self.status in OPEN
