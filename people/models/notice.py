import datetime as dt

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from fablab.lib import retention
from fablab.lib.personal_data import Fate, PersonalData
from people.models.person import Person
from people.models.site import Site
from people.purposes import NOTICES


class Channel(models.TextChoices):
    """How a notice reaches somebody, beyond standing in their pages."""

    EMAIL = "email", _("by e-mail")
    SMS = "sms", _("by SMS")
    APPRISE = "apprise", _("by a channel of the team")
    CALL = "call", _("by telephone, from the desk")


class NoticeQuerySet(models.QuerySet["Notice"]):
    def unread(self) -> "NoticeQuerySet":
        return self.filter(read_at__isnull=True)

    def due(self, now: dt.datetime) -> "NoticeQuerySet":
        return self.filter(due_at__lte=now)


class Notice(models.Model):
    """Something that somebody should know, once: its words are made when it is read, in the reader's language.

    `kind` is a code registered with `people.notices.register`; `params` what its words are made of. `key` says what
    makes two of them the same, so that a sweep that runs twice tells nobody twice.
    """

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="notices")
    site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=120, unique=True)
    params = models.JSONField(default=dict)
    link = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    # Not before: a reminder is written down with the reservation.
    due_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)

    objects = NoticeQuerySet.as_manager()

    personal_data = PersonalData(
        NOTICES,
        _("what the person was told about their reservations, when, and by which way"),
        retention.NOTICE_KEPT,
        subject="person",
        clock="created_at",
        fate=Fate.DELETED,
        exported=("words", "created_at", "due_at", "read_at"),
        free_text=("params",),
    )

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        ordering = ["-due_at", "-id"]
        indexes = [models.Index(fields=["person", "due_at"], name="notice_person_due")]

    def __str__(self) -> str:
        return f"{self.kind} {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def words(self) -> str:
        """What it says, in the language that is active; the bare code of a kind that nobody knows any more."""
        # The kinds know the models.
        from people.notices.kinds import kind_of

        try:
            return kind_of(self.kind).words(self.params).body
        except KeyError:
            return self.kind


class Delivery(models.Model):
    """One way by which a notice goes: tried again when it fails, sent once."""

    class Status(models.TextChoices):
        QUEUED = "queued", _("to be sent")
        SENDING = "sending", _("being sent")
        SENT = "sent", _("sent")
        FAILED = "failed", _("could not be sent")
        TO_CALL = "to_call", _("to be told by telephone")
        CALLED = "called", _("told by telephone")
        DROPPED = "dropped", _("no longer needed")

    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, related_name="deliveries")
    channel = models.CharField(max_length=12, choices=Channel.choices)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.ForeignKey(Person, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    error = models.CharField(max_length=200, blank=True)

    personal_data = PersonalData(
        NOTICES,
        _("by which way a notice went, and who of the team telephoned"),
        retention.WITH_THE_THING,
        subject="notice__person",
        fate=Fate.DELETED,
        free_text=("error",),
    )

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        indexes = [
            models.Index(fields=["next_try_at"], name="delivery_to_do", condition=Q(status__in=["queued", "sending"]))
        ]
        constraints = [
            models.UniqueConstraint(fields=["notice", "channel"], name="notice_goes_once_by_each_way"),
            models.CheckConstraint(
                condition=Q(status__in=["sent", "called", "dropped"]) ^ Q(done_at__isnull=True),
                name="delivery_done_has_its_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.notice}, {self.get_channel_display()}"


class NoticePreference(models.Model):
    """Which kinds somebody wants by which way, where it differs from the usual."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="notice_preferences")
    kind = models.CharField(max_length=40)
    channel = models.CharField(max_length=12, choices=Channel.choices)
    is_wanted = models.BooleanField()

    personal_data = PersonalData(
        NOTICES,
        _("by which way the person wants to be told what"),
        retention.WITH_THE_FILE,
        subject="person",
        fate=Fate.DELETED,
        exported=("kind", "channel", "is_wanted"),
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "kind", "channel"], name="preference_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.channel}"
