from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fablab.lib import retention
from fablab.lib.personal_data import PersonalData
from fablab.lib.references import reference10
from iot.models.device import Device
from iot.purposes import USE
from machines.models import Machine
from people.models import Person, Team
from reservations.models import Reservation


class UseState(models.TextChoices):
    """What a machine last reported. Unknown is not idle: nobody has said anything."""

    UNKNOWN = "unknown", _("unknown")
    OFF = "off", _("off")
    IDLE = "idle", _("idle")
    BUSY = "busy", _("busy")
    FAULT = "fault", _("fault")


class StopReason(models.TextChoices):
    """Why a usage session ended."""

    NORMAL = "normal", pgettext_lazy("usage session", "stopped")
    JOB_FINISHED = "job_finished", _("job finished")
    IDLE_TIMEOUT = "idle_timeout", _("idle for too long")
    BOOKING_END = "booking_end", _("end of the reservation")
    CLOSING = "closing", _("closing")
    TAKEOVER = "takeover", _("taken over")
    PERMISSION = "permission", _("permission withdrawn")
    SUPERVISOR = "supervisor", _("stopped by a supervisor")
    EMERGENCY_STOP = "emergency_stop", _("emergency stop")
    SAFETY_INPUT = "safety_input", _("safety input")
    AGENT_LOST = "agent_lost", _("contact lost")
    POWER_CUT = "power_cut", _("power cut")
    OFFLINE = "offline", _("offline")


class ReportedState(models.Model):
    """The last word of a machine's devices: only a report changes it, a command never does.

    Also the row that is locked while a machine's messages are turned into sessions.
    """

    machine = models.OneToOneField(Machine, on_delete=models.CASCADE, primary_key=True, related_name="reported")
    device = models.ForeignKey(Device, null=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(max_length=10, choices=UseState.choices, default=UseState.UNKNOWN)
    since = models.DateTimeField(null=True)
    power_w = models.FloatField(null=True)
    energy_wh = models.FloatField(null=True)
    # Whose counter and whose power that is: two meters on one machine would look like one that jumps.
    meter = models.ForeignKey(Device, null=True, on_delete=models.SET_NULL, related_name="+")
    power_meter = models.ForeignKey(Device, null=True, on_delete=models.SET_NULL, related_name="+")
    battery_pct = models.FloatField(null=True)
    at = models.DateTimeField(null=True)
    # Power has been on the other side of its threshold since then, not yet for long enough.
    crossing_since = models.DateTimeField(null=True)
    # When its nozzle was last said to be hot; None once it cooled down. See `iot.heat`.
    hot_at = models.DateTimeField(null=True)
    # Busy, and its job is paused: it holds the machine, and nothing ends. Told by printers' own software.
    is_paused = models.BooleanField(default=False)
    # Shown as unreachable; set and cleared once for each change.
    is_unreachable = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.machine}: {self.state}"

    @property
    def is_metered(self) -> bool:
        """Whether some device there measures it: one that says nothing any more leaves the use unknown. One query."""
        meters = [pk for pk in (self.meter_id, self.power_meter_id) if pk is not None]
        return Device.objects.filter(pk__in=meters, machine=self.machine_id, revoked_at=None).exists()

    @property
    def word(self) -> str:
        """What it is doing, as people read it."""
        return str(_("paused")) if self.is_paused else self.get_state_display()


class UsageSession(models.Model):
    """Real use of a machine, from the first busy moment to the last, measured and not planned."""

    class Source(models.TextChoices):
        POWER = "power", _("power")
        EVENT = "event", _("device")
        PRINT_JOB = "print_job", _("print job")
        MANUAL = "manual", _("by hand")

    reference = models.CharField(max_length=12, unique=True, default=reference10, editable=False)
    machine = models.ForeignKey(Machine, on_delete=models.PROTECT, related_name="usage_sessions")
    device = models.ForeignKey(Device, null=True, blank=True, on_delete=models.PROTECT, related_name="usage_sessions")
    person = models.ForeignKey(Person, null=True, blank=True, on_delete=models.PROTECT, related_name="usage_sessions")
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT, related_name="usage_sessions")
    reservation = models.ForeignKey(
        Reservation, null=True, blank=True, on_delete=models.PROTECT, related_name="usage_sessions"
    )
    source = models.CharField(max_length=10, choices=Source.choices, default=Source.POWER)
    start = models.DateTimeField(_("from"))
    end = models.DateTimeField(_("until"), null=True, blank=True)
    last_busy_at = models.DateTimeField()
    stop_reason = models.CharField(_("ended by"), max_length=16, choices=StopReason.choices, blank=True)
    energy_wh = models.FloatField(_("energy (Wh)"), null=True, blank=True)
    # Nobody was known to use it, and somebody said afterwards that it was them.
    claimed_at = models.DateTimeField(null=True, blank=True)
    claimed_by = models.ForeignKey(Person, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    personal_data = PersonalData(
        USE,
        _("which machine ran, from when to when, and the energy it took"),
        retention.BOOKING,
        subject="person",
        clock="end",
        exported=("machine", "start", "end", "energy_wh"),
    )

    class Meta:
        verbose_name = _("usage session")
        verbose_name_plural = _("usage sessions")
        ordering = ["-start"]
        indexes = [
            models.Index(fields=["machine", "start"], name="usage_machine_start"),
            models.Index(fields=["start", "id"], name="usage_start"),
            models.Index(fields=["person", "start", "id"], name="usage_person_start"),
            models.Index(fields=["reservation"], name="usage_reservation"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["machine"], condition=Q(end__isnull=True), name="one_open_session_a_machine"
            ),
            models.CheckConstraint(
                condition=Q(end__isnull=True) | Q(end__gte=F("start")), name="usage_ends_after_it_starts"
            ),
            models.CheckConstraint(
                condition=Q(end__isnull=True, stop_reason="") | (Q(end__isnull=False) & ~Q(stop_reason="")),
                name="usage_stop_has_a_reason",
            ),
            models.CheckConstraint(condition=Q(last_busy_at__gte=F("start")), name="usage_busy_within"),
        ]

    def __str__(self) -> str:
        return f"{self.machine} {self.start:%Y-%m-%d %H:%M}"
