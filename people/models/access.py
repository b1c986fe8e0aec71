"""How somebody without an e-mail address gets in: a one-time code with the card, on a screen the team has enrolled."""

import datetime as dt

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from fablab.lib import retention
from fablab.lib.personal_data import Fate, PersonalData
from fablab.lib.references import reference10
from people.models.person import Person
from people.models.site import Site
from people.purposes import SIGN_IN, TRACE

MOST_TRIES = 5


class AccessCodeQuerySet(models.QuerySet["AccessCode"]):
    def usable_at(self, now: dt.datetime) -> "AccessCodeQuerySet":
        return self.filter(used_at__isnull=True, expires_at__gt=now, tries_left__gt=0)


class AccessCode(models.Model):
    """A code that signs one person in once, with their card, at a kiosk or at the desk. Only its hash is kept."""

    person = models.OneToOneField(Person, on_delete=models.CASCADE, related_name="access_code")
    digest = models.CharField(max_length=64, editable=False)
    tries_left = models.PositiveSmallIntegerField(default=MOST_TRIES, editable=False)
    created_at = models.DateTimeField(editable=False)
    expires_at = models.DateTimeField(editable=False)
    used_at = models.DateTimeField(null=True, blank=True, editable=False)
    issued_by = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="+")

    objects = AccessCodeQuerySet.as_manager()

    personal_data = PersonalData(
        SIGN_IN,
        _("a mark of the one-time code, when it was made and by whom"),
        retention.CODE,
        subject="person",
        clock="expires_at",
        fate=Fate.DELETED,
        exported=("created_at", "expires_at", "used_at"),
    )

    class Meta:
        verbose_name = _("one-time code")
        verbose_name_plural = _("one-time codes")
        constraints = [
            models.CheckConstraint(condition=Q(tries_left__lte=MOST_TRIES), name="access_code_few_tries"),
            models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="access_code_expires_later"),
        ]

    def __str__(self) -> str:
        return str(self.person)


# Somebody who called and was not answered has found the desk by then.
CALL_LASTS = dt.timedelta(minutes=15)


class KioskQuerySet(models.QuerySet["Kiosk"]):
    def enrolled(self) -> "KioskQuerySet":
        return self.filter(revoked_at__isnull=True)

    def calling(self, now: dt.datetime) -> "KioskQuerySet":
        """Somebody waits there."""
        return self.filter(called_at__gt=now - CALL_LASTS)


class Kiosk(models.Model):
    """A screen that the team has made its own: the visitors' kiosk, or a computer that many share.

    It is known by a cookie whose hash is kept here; people may sign in on it with card and one-time code.
    """

    class Kind(models.TextChoices):
        KIOSK = "kiosk", _("kiosk at the entrance")
        SHARED_PC = "shared_pc", _("computer that many share")

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="kiosks")
    reference = models.CharField(max_length=12, unique=True, default=reference10, editable=False)
    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices, default=Kind.KIOSK)
    token_digest = models.CharField(max_length=64, unique=True, editable=False)
    idle_min = models.PositiveSmallIntegerField(_("signs out after idle minutes"), default=10)
    enrolled_at = models.DateTimeField(editable=False)
    enrolled_by = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="+")
    last_seen_at = models.DateTimeField(null=True, blank=True, editable=False)
    # When somebody asked for help there, until it is answered. Nothing says who.
    called_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = KioskQuerySet.as_manager()

    personal_data = PersonalData(
        SIGN_IN,
        _("who of the team made a screen a shared one"),
        retention.WITH_THE_THING,
        free_text=("name",),
        module="kiosk",
    )

    class Meta:
        verbose_name = _("kiosk")
        verbose_name_plural = _("kiosks")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["kiosk", "shared_pc"]), name="kiosk_kind_is_known"),
            models.CheckConstraint(condition=Q(idle_min__range=(1, 60)), name="kiosk_idle_is_short"),
        ]

    def __str__(self) -> str:
        return self.name

    def waiting_since(self, now: dt.datetime) -> dt.datetime | None:
        """Since when somebody waits there; None when nobody does, or not any more."""
        return self.called_at if self.called_at and self.called_at > now - CALL_LASTS else None


class FileAccess(models.Model):
    """A member of the team opened somebody's file or acted for them: who, when, what. Never what was in it."""

    class Deed(models.TextChoices):
        READ = "read", _("read the file")
        CHANGED = "changed", _("changed the file")
        CARD = "card", _("printed the card")
        CODE = "code", _("made a one-time code")
        RESERVED = "reserved", _("reserved for the person")
        EXPORTED = "exported", _("exported the data")
        QUALIFIED = "qualified", _("granted a qualification")
        SUSPENDED = "suspended", _("suspended")

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="file_accesses")
    by = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="+")
    deed = models.CharField(max_length=12, choices=Deed.choices)
    at = models.DateTimeField(db_index=True)

    personal_data = PersonalData(
        TRACE,
        _("who of the team opened the file or acted for the person, when and what for"),
        retention.ACCESS,
        subject="person",
        clock="at",
        fate=Fate.DELETED,
        exported=("at", "deed", "by"),
    )

    class Meta:
        verbose_name = _("access to a file")
        verbose_name_plural = _("accesses to files")
        ordering = ["-at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(deed__in=["read", "changed", "card", "code", "reserved", "exported", "qualified",
                                      "suspended"]),
                name="file_access_deed_is_known",
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.person}: {self.deed}"


class Erasure(models.Model):
    """Proof that a person was erased: their public reference and when, and nothing else."""

    reference = models.CharField(max_length=12, unique=True)
    erased_at = models.DateTimeField(db_index=True)

    personal_data = PersonalData(
        TRACE, _("that a file was made anonymous, and when, under a mark that names nobody"), retention.FOR_GOOD
    )

    class Meta:
        verbose_name = _("erasure")
        verbose_name_plural = _("erasures")

    def __str__(self) -> str:
        return self.reference
