"""Who was let at a machine: what is asked at it, each badge that was presented, and how long somebody had it."""

import datetime as dt

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from fablab.lib import retention
from fablab.lib.personal_data import Fate, PersonalData
from fablab.lib.references import reference10
from iot.models.device import Device
from iot.models.usage import StopReason
from iot.purposes import MACHINE_ACCESS
from machines.models import Machine
from people.models import Badge, Person
from reservations.models import Reservation


class MachineAccess(models.Model):
    """What is asked of somebody at the machine itself. A machine without this row asks for nothing there."""

    machine = models.OneToOneField(Machine, on_delete=models.CASCADE, primary_key=True, related_name="access")
    needs_button = models.BooleanField(
        _("badge, then button"), default=False, help_text=_("Power comes once somebody presses the button beside it.")
    )
    needs_two_people = models.BooleanField(
        _("two people"), default=False, help_text=_("A second person who may use it presents a badge too.")
    )
    is_checked_after = models.BooleanField(
        _("to be checked after each use"),
        default=False,
        help_text=_("It stays out of service until somebody has looked at it."),
    )
    walk_up = models.DurationField(
        _("without a reservation, for"),
        default=dt.timedelta(hours=1),
        validators=[MinValueValidator(dt.timedelta(0))],
        help_text=_("How long somebody may have it who has not reserved. Nothing: only with a reservation."),
    )
    idle_off_after = models.DurationField(
        _("off when idle for"),
        null=True,
        blank=True,
        validators=[MinValueValidator(dt.timedelta(minutes=1))],
        help_text=_("Empty: it stays on until the end. It is never cut while it works."),
    )
    warn_before = models.DurationField(_("warning before the end"), default=dt.timedelta(minutes=5))
    may_start_offline = models.BooleanField(
        _("may start while the lab is out of reach"),
        default=True,
        help_text=_("Those with a reservation, for a day. Dangerous machines never do, whatever stands here."),
    )

    class Meta:
        verbose_name = _("access at the machine")
        verbose_name_plural = _("access at the machines")
        constraints = [
            models.CheckConstraint(condition=Q(walk_up__gte=dt.timedelta(0)), name="access_walk_up_not_negative"),
            models.CheckConstraint(
                condition=Q(idle_off_after__isnull=True) | Q(idle_off_after__gt=dt.timedelta(0)),
                name="access_idle_off_after_a_while",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.machine}"


class AccessSession(models.Model):
    """Somebody has the machine, from being allowed to leaving it. What it really did meanwhile: `UsageSession`."""

    class State(models.TextChoices):
        WAITING_SECOND = "waiting_second", _("waits for a second person")
        WAITING_BUTTON = "waiting_button", _("waits for the button")
        ACTIVE = "active", _("open")
        ENDED = "ended", _("ended")

    reference = models.CharField(max_length=70, unique=True, default=reference10, editable=False)
    machine = models.ForeignKey(Machine, on_delete=models.PROTECT, related_name="access_sessions")
    device = models.ForeignKey(Device, null=True, blank=True, on_delete=models.PROTECT, related_name="access_sessions")
    person = models.ForeignKey(Person, null=True, blank=True, on_delete=models.PROTECT, related_name="access_sessions")
    second_person = models.ForeignKey(Person, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    reservation = models.ForeignKey(
        Reservation, null=True, blank=True, on_delete=models.PROTECT, related_name="access_sessions"
    )
    state = models.CharField(max_length=16, choices=State.choices, default=State.ACTIVE)
    allowed_at = models.DateTimeField(_("from"))
    until = models.DateTimeField(_("until at most"))
    energised_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    stop_reason = models.CharField(_("ended by"), max_length=16, choices=StopReason.choices, blank=True)
    took_over = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="taken_over_by"
    )
    # Allowed all the same by somebody of the team, against what the rules say.
    overridden = models.JSONField(default=list, blank=True)
    # The device let them in by its roster, out of the lab's reach.
    is_offline = models.BooleanField(default=False)
    warned_at = models.DateTimeField(null=True, blank=True)

    personal_data = PersonalData(
        MACHINE_ACCESS,
        _("who had which machine, from when to when"),
        retention.BOOKING,
        subject="person",
        clock="ended_at",
        exported=("machine", "allowed_at", "ended_at", "stop_reason"),
    )

    class Meta:
        verbose_name = _("access session")
        verbose_name_plural = _("access sessions")
        ordering = ["-allowed_at"]
        indexes = [
            models.Index(fields=["machine", "allowed_at"], name="access_machine_at"),
            models.Index(fields=["person", "allowed_at"], name="access_person_at"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["machine"], condition=Q(ended_at__isnull=True), name="one_open_access_a_machine"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("allowed_at")),
                name="access_ends_after_it_starts",
            ),
            models.CheckConstraint(
                condition=Q(state="ended", ended_at__isnull=False) & ~Q(stop_reason="")
                | ~Q(state="ended") & Q(ended_at__isnull=True, stop_reason=""),
                name="access_end_has_a_reason",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["waiting_second", "waiting_button"]) | Q(energised_at__isnull=True),
                name="access_waits_without_power",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.machine} {self.allowed_at:%Y-%m-%d %H:%M}"

    @property
    def is_open(self) -> bool:
        return self.ended_at is None


class AccessAttempt(models.Model):
    """A badge, a code or a button at the machine, and what was answered: once for each request."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="access_attempts")
    request_id = models.CharField(max_length=60)
    kind = models.CharField(max_length=8)
    at = models.DateTimeField(db_index=True)
    person = models.ForeignKey(Person, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    session = models.ForeignKey(
        AccessSession, null=True, blank=True, on_delete=models.SET_NULL, related_name="attempts"
    )
    is_allowed = models.BooleanField(default=False)
    # The codes of the refusal, the first one shown; see `iot.access_words`.
    codes = models.JSONField(default=list, blank=True)
    # The answer as it was sent: the same request is answered with the same words.
    answer = models.JSONField(default=dict, blank=True)
    took_ms = models.FloatField(null=True, blank=True)

    personal_data = PersonalData(
        MACHINE_ACCESS,
        _("who presented a badge at a machine, and what was answered"),
        retention.ATTEMPT,
        subject="person",
        clock="at",
        fate=Fate.DELETED,
        exported=("device", "at", "is_allowed", "codes"),
        free_text=("answer",),
    )

    class Meta:
        verbose_name = _("badge presented")
        verbose_name_plural = _("badges presented")
        ordering = ["-at"]
        indexes = [models.Index(fields=["device", "at"], name="attempt_device_at")]
        constraints = [models.UniqueConstraint(fields=["device", "request_id"], name="access_asked_once")]

    def __str__(self) -> str:
        return f"{self.device} {self.at:%Y-%m-%d %H:%M:%S}"


class StartCode(models.Model):
    """Six digits that a phone shows to whoever stands at a machine, typed there within a minute: once."""

    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, related_name="+")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    code_hash = models.CharField(max_length=64)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    personal_data = PersonalData(
        MACHINE_ACCESS,
        _("that somebody asked for a code to start a machine"),
        retention.CODE,
        subject="person",
        clock="expires_at",
        fate=Fate.DELETED,
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["machine", "code_hash"], condition=Q(used_at__isnull=True), name="start_code_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.machine_id} {self.expires_at:%Y-%m-%d %H:%M}"


class BadgeWanted(models.Model):
    """Somebody of the team gives a person a badge: the first unknown one tapped at the device is theirs."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="+")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    by = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="+")
    label = models.CharField(max_length=60, blank=True)
    opened_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    badge = models.ForeignKey(Badge, null=True, blank=True, on_delete=models.CASCADE, related_name="+")

    personal_data = PersonalData(
        MACHINE_ACCESS,
        _("that a badge was being given to somebody"),
        retention.CODE,
        subject="person",
        clock="expires_at",
        fate=Fate.DELETED,
        free_text=("label",),
    )

    def __str__(self) -> str:
        return f"{self.device_id} {self.opened_at:%Y-%m-%d %H:%M}"


class BadgeMark(models.Model):
    """What a badge looks like with one device's own key: how the device knows it while the lab is out of reach."""

    badge = models.ForeignKey(Badge, on_delete=models.CASCADE, related_name="marks")
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="badge_marks")
    mark = models.CharField(max_length=64)

    personal_data = PersonalData(
        MACHINE_ACCESS,
        _("marks of a badge's number, one for each device"),
        retention.WITH_THE_FILE,
        subject="badge__person",
        fate=Fate.DELETED,
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["badge", "device"], name="badge_mark_once")]

    def __str__(self) -> str:
        return f"{self.badge_id} {self.device_id}"
