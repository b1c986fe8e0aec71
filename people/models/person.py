import datetime as dt
import unicodedata
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.hashers import check_password
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import ExtractYear
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fablab.lib import retention
from fablab.lib.personal_data import Fate, PersonalData
from fablab.lib.references import card_code12, reference10
from people.handed_out import has_handed_out_password
from people.models.household import Household
from people.purposes import FAIRNESS, FILES

SORT_NAME_LENGTH = 170
ADULT_AGE_Y = 18


def sort_key(text: str) -> str:
    """The text without accents, in lower case: what names are ordered by (the embedded database has no ICU)."""
    plain = unicodedata.normalize("NFKD", text)
    return "".join(c for c in plain if not unicodedata.combining(c)).casefold()


class PersonManager(BaseUserManager["Person"]):
    def create_user(self, card_code: str | None = None, password: str | None = None, **fields: object) -> "Person":
        person = self.model(card_code=card_code or card_code12(), **fields)
        person.set_password(password)
        person.save(using=self._db)
        return person

    def create_superuser(self, card_code: str, password: str | None = None, **fields: object) -> "Person":
        return self.create_user(card_code, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "Person":
        return self.get(card_code=username)


class Person(AbstractBaseUser, PermissionsMixin):  # type: ignore[django-manager-missing]
    """Someone who comes: with an account or without, with an e-mail address or without.

    `card_code` is what signs them in; a login e-mail lives in allauth's own table, since
    families share a contact address and many people have none.
    """

    class Language(models.TextChoices):
        FRENCH = "fr", "Français"
        ENGLISH = "en", "English"

    reference = models.CharField(max_length=12, unique=True, default=reference10, editable=False)
    card_code = models.CharField(_("card code"), max_length=40, unique=True, default=card_code12)
    first_name = models.CharField(_("first name"), max_length=80, blank=True)
    last_name = models.CharField(_("name"), max_length=80, blank=True)
    sort_name = models.CharField(max_length=SORT_NAME_LENGTH, blank=True, editable=False, db_index=True)
    contact_email = models.EmailField(_("e-mail"), blank=True)
    phone = models.CharField(_("telephone"), max_length=40, blank=True)
    birth_year = models.PositiveSmallIntegerField(_("year of birth"), null=True, blank=True)
    town = models.CharField(_("town"), max_length=80, blank=True)
    household = models.ForeignKey(
        Household, null=True, blank=True, on_delete=models.SET_NULL, related_name="members", verbose_name=_("household")
    )
    # The responsible adult of a minor: on file themselves, or by name and telephone.
    guardian = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="wards")
    guardian_name = models.CharField(_("responsible adult"), max_length=120, blank=True)
    guardian_phone = models.CharField(_("telephone of the responsible adult"), max_length=40, blank=True)
    language = models.CharField(_("language"), max_length=5, choices=Language.choices, default=Language.FRENCH)
    is_active = models.BooleanField(_("active"), default=True)
    is_staff = models.BooleanField(_("may open the admin"), default=False)
    joined_at = models.DateTimeField(_("since"), default=timezone.now, editable=False)
    registered_by = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    last_seen_at = models.DateTimeField(_("last here"), null=True, blank=True, editable=False)
    erased_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = PersonManager()

    USERNAME_FIELD = "card_code"
    EMAIL_FIELD = "contact_email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    personal_data = PersonalData(
        FILES,
        _(
            "first name and name; year of birth, town, telephone and e-mail address when they were given; the "
            "responsible adult of a minor; the card's code; when the person was last here"
        ),
        retention.FILE,
        subject="pk",
        exported=(
            "reference", "card_code", "first_name", "last_name", "contact_email", "phone", "birth_year", "town",
            "household", "guardian", "guardian_name", "guardian_phone", "language", "joined_at", "last_seen_at",
            "last_login",
        ),
    )  # fmt: skip

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        ordering = ["sort_name", "id"]
        constraints = [
            models.CheckConstraint(
                # By year only: who turns 18 in the year counts as an adult. Counted at the registration, since a
                # constraint must not change its mind as the years go by.
                condition=Q(birth_year__isnull=True)
                | Q(birth_year__lte=ExtractYear("joined_at") - ADULT_AGE_Y)
                | Q(guardian__isnull=False)
                | ~Q(guardian_name=""),
                name="minor_has_a_responsible_adult",
                violation_error_message=_("Somebody under 18 needs a responsible adult: give their name."),
            ),
            models.CheckConstraint(
                condition=Q(birth_year__isnull=True) | Q(birth_year__range=(1900, 2100)),
                name="birth_year_is_sane",
                violation_error_message=_("Write the year of birth with four digits, like 1950."),
            ),
            models.CheckConstraint(
                condition=Q(guardian__isnull=True) | ~Q(guardian=F("pk")),
                name="nobody_is_their_own_guardian",
                violation_error_message=_("Nobody is their own responsible adult."),
            ),
        ]

    def __str__(self) -> str:
        return self.get_full_name() or self.reference

    def save(self, *args: Any, **kwargs: Any) -> None:
        # Some characters become many without their accents: the key is cut to its column.
        self.sort_name = sort_key(f"{self.last_name} {self.first_name}".strip())[:SORT_NAME_LENGTH]
        fields = kwargs.get("update_fields")
        if fields is not None and {"first_name", "last_name"} & set(fields):
            kwargs["update_fields"] = {*fields, "sort_name"}
        super().save(*args, **kwargs)

    def check_password(self, raw_password: str | None) -> bool:
        # Django would hash one that was handed out anew, as if the person had chosen it.
        if has_handed_out_password(self):
            return check_password(raw_password, self.password)
        return super().check_password(raw_password)

    @property
    def is_password_handed_out(self) -> bool:
        return has_handed_out_password(self)

    def get_full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    def get_short_name(self) -> str:
        return self.first_name or self.get_full_name()

    def is_minor_in(self, year: int) -> bool:
        """Whether they are under 18, told by the year of birth alone; False when it is not known."""
        return self.birth_year is not None and year - self.birth_year < ADULT_AGE_Y

    @property
    def initials(self) -> str:
        return (self.first_name[:1] + self.last_name[:1]).upper()


class SuspensionQuerySet(models.QuerySet["Suspension"]):
    def holding_at(self, now: dt.datetime) -> "SuspensionQuerySet":
        return self.filter(Q(end__isnull=True) | Q(end__gt=now), start__lte=now)


class Suspension(models.Model):
    """A person may not reserve for a while, for a reason they are told."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="suspensions")
    reason = models.CharField(_("reason, as the person will read it"), max_length=240)
    start = models.DateTimeField(_("from"))
    end = models.DateTimeField(_("until"), null=True, blank=True)
    suspended_by = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="+")

    objects = SuspensionQuerySet.as_manager()

    personal_data = PersonalData(
        FAIRNESS,
        _("the reason, the times, and who decided"),
        retention.SUSPENSION,
        subject="person",
        clock="end",
        fate=Fate.DELETED,
        exported=("reason", "start", "end"),
        free_text=("reason",),
    )

    class Meta:
        verbose_name = _("suspension")
        verbose_name_plural = _("suspensions")
        constraints = [
            models.CheckConstraint(
                condition=Q(end__isnull=True) | Q(end__gt=F("start")),
                name="suspension_ends_after_it_starts",
                violation_error_message=_("A suspension ends after it starts."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.reason}"
