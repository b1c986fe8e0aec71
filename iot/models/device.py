import datetime as dt

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from fablab.lib import retention
from fablab.lib.personal_data import Fate, PersonalData
from iot.purposes import USE
from machines.models import Machine
from people.models import Person

slug_for_topics = RegexValidator(
    r"^[a-z0-9][a-z0-9-]{1,62}$",
    _("Small letters, digits and hyphens; it becomes part of the device's topics."),
)
topic_without_wildcards = RegexValidator(
    r"^[A-Za-z0-9_][A-Za-z0-9_/-]{0,99}$", _("A topic without + or #, such as “plug-04”.")
)


class DriverKind(models.TextChoices):
    """Which language the device speaks."""

    FABLAB = "fablab", _("our agent")
    TASMOTA = "tasmota", _("Tasmota plug")
    SHELLY = "shelly", _("Shelly plug or meter")
    ZIGBEE2MQTT = "zigbee2mqtt", _("Zigbee2MQTT plug")
    ESPHOME = "esphome", _("ESPHome device")
    OCTOPRINT = "octoprint", _("OctoPrint (MQTT plug-in)")
    MOONRAKER = "moonraker", _("Klipper printer (Moonraker)")
    BAMBU = "bambu", _("Bambu Lab printer")
    RFID = "rfid", _("badge reader")


class Device(models.Model):
    """Anything that reports for a machine; it has a credential and topics of its own."""

    slug = models.CharField(_("identifier"), max_length=63, unique=True, validators=[slug_for_topics])
    name = models.CharField(_("name"), max_length=80, blank=True)
    machine = models.ForeignKey(
        Machine,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="devices",
        verbose_name=_("machine"),
    )
    kind = models.CharField(_("kind"), max_length=16, choices=DriverKind.choices, default=DriverKind.FABLAB)
    topic = models.CharField(
        _("topic"),
        max_length=100,
        blank=True,
        validators=[topic_without_wildcards],
        help_text=_("For devices that are not ours: the topic set in the device."),
    )
    password_hash = models.CharField(max_length=255, blank=True, editable=False)
    enrolled_at = models.DateTimeField(_("enrolled"), null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)

    firmware = models.CharField(_("firmware"), max_length=60, blank=True, editable=False)
    # What it said in its hello that it has; empty while it has not said. See `iot.capabilities`.
    capabilities = models.JSONField(_("what it has"), default=list, blank=True, editable=False)
    # Orders that it answered it has no means for, since its last hello.
    refuses = models.JSONField(default=list, blank=True, editable=False)
    config = models.JSONField(_("settings"), default=dict, blank=True, editable=False)
    config_version = models.PositiveIntegerField(default=0, editable=False)
    reported_config_version = models.PositiveIntegerField(default=0, editable=False)
    # Its own key, given at enrolment, sealed: signs what it may decide while the lab is out of reach.
    roster_key_sealed = models.TextField(blank=True, default="", editable=False)
    roster_version = models.PositiveBigIntegerField(default=0, editable=False)
    reported_roster_version = models.PositiveBigIntegerField(default=0, editable=False)
    # What it was told last, beside what it reports: only a report changes that.
    commanded = models.CharField(max_length=8, blank=True, default="", editable=False)
    commanded_at = models.DateTimeField(null=True, blank=True, editable=False)
    is_locked = models.BooleanField(_("says that it is locked"), default=False, editable=False)
    is_online = models.BooleanField(_("connected"), default=False, editable=False)
    last_seen_at = models.DateTimeField(_("last heard"), null=True, blank=True, editable=False)
    silent_after = models.DurationField(_("no news after"), default=dt.timedelta(seconds=60))

    # Power becomes use by two thresholds, each of which must hold for a while.
    busy_w = models.FloatField(_("busy from (W)"), default=50.0)
    idle_w = models.FloatField(_("idle below (W)"), default=25.0)
    busy_after = models.DurationField(_("busy once it lasted"), default=dt.timedelta(seconds=10))
    idle_after = models.DurationField(_("idle once it lasted"), default=dt.timedelta(seconds=60))

    personal_data = PersonalData(
        USE, _("the name of the device"), retention.WITH_THE_THING, free_text=("name", "config")
    )

    class Meta:
        verbose_name = _("device")
        verbose_name_plural = _("devices")
        ordering = ["slug"]
        constraints = [
            models.CheckConstraint(
                condition=Q(idle_w__lte=F("busy_w"), idle_w__gte=0),
                name="device_idle_not_above_busy",
                violation_error_message=_("The idle threshold is not above the busy one."),
            ),
            models.UniqueConstraint(
                fields=["topic"],
                condition=~Q(topic=""),
                name="device_topic_once",
                violation_error_message=_("Another device already speaks on this topic."),
            ),
            models.CheckConstraint(
                condition=Q(kind="fablab", topic="") | (~Q(kind="fablab") & ~Q(topic="")),
                name="device_topic_when_not_ours",
                violation_error_message=_("A device that is not ours needs its topic; ours needs none."),
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.slug

    def is_silent(self, now: dt.datetime) -> bool:
        """Whether nothing has been heard for longer than its patience. Never heard counts as silent."""
        return not self.is_online or self.last_seen_at is None or now - self.last_seen_at > self.silent_after


class DeviceBoot(models.Model):
    """One run of a device's agent: how far its numbering is committed, and when it began by our clock."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="boots")
    boot = models.CharField(max_length=40)
    # Everything up to here is derived; the next message wanted is one higher.
    done_seq = models.BigIntegerField(default=0)
    # Receipt minus uptime, the earliest seen: the least delayed message tells the truth.
    booted_at = models.DateTimeField()
    # What the last sign of life said, where it is much later: two that agree are believed.
    drifted_at = models.DateTimeField(null=True, blank=True)
    # A live sign of life was seen: only then is `booted_at` exact and may correct the device's clock.
    is_anchored = models.BooleanField(default=False)
    first_received_at = models.DateTimeField()
    gap_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["device", "boot"], name="device_boot_once")]

    def __str__(self) -> str:
        return f"{self.device} {self.boot}"


class EnrolmentCode(models.Model):
    """A one-time code that lets a new device fetch its credential."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="enrolment_codes")
    code_hash = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="+")
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    personal_data = PersonalData(
        USE,
        _("who of the team let a device in"),
        retention.CODE,
        clock="expires_at",
        fate=Fate.DELETED,
    )

    def __str__(self) -> str:
        return f"{self.device} {self.expires_at:%Y-%m-%d %H:%M}"
