from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from fablab.lib import retention
from fablab.lib.personal_data import Fate, PersonalData
from fablab.lib.references import reference10
from machines.models import Machine
from people.models import Person
from reservations.models.reservation import Reservation
from reservations.purposes import BOOKINGS


class WaitingEntry(models.Model):
    """Somebody waits for a time on a machine, in the order in which they came.

    When it becomes free the first one gets a held reservation (`offer`) that runs out; `is_notice_only` asks for
    nothing but a word. `any_of_model`: a twin of the machine will do as well.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        OFFERED = "offered", _("offered")
        TAKEN = "taken", _("reserved")
        TOLD = "told", _("told")
        LEFT = "left", _("left the list")
        PASSED = "passed", _("the time is over")

    reference = models.CharField(max_length=12, unique=True, default=reference10, editable=False)
    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, related_name="waiting")
    any_of_model = models.BooleanField(_("another one of the same model will do"), default=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="waiting")
    start = models.DateTimeField(_("from"))
    end = models.DateTimeField(_("until"))
    is_notice_only = models.BooleanField(_("only tell me"), default=False)
    accepts_at_once = models.BooleanField(_("reserve it for me without asking"), default=False)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="+")
    offer = models.OneToOneField(
        Reservation, null=True, blank=True, on_delete=models.PROTECT, related_name="waiting_entry"
    )
    ended_at = models.DateTimeField(null=True, blank=True)

    personal_data = PersonalData(
        BOOKINGS,
        _("who waits for which machine and time, and what was offered"),
        retention.BOOKING,
        subject="person",
        clock="end",
        fate=Fate.DELETED,
        exported=("machine", "start", "end", "state", "created_at"),
    )

    class Meta:
        verbose_name = _("place on a waiting list")
        verbose_name_plural = _("waiting list")
        ordering = ["created_at", "id"]
        indexes = [
            models.Index(fields=["machine", "created_at"], name="waiting_in_order", condition=Q(state="waiting"))
        ]
        constraints = [
            models.CheckConstraint(condition=Q(end__gt=F("start")), name="waiting_ends_after_it_starts"),
            models.CheckConstraint(
                condition=~Q(state="offered") | Q(offer__isnull=False), name="waiting_offered_has_its_offer"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "offered"]) ^ Q(ended_at__isnull=False),
                name="waiting_ended_has_its_time",
            ),
            models.UniqueConstraint(
                fields=["machine", "person", "start", "end"],
                condition=Q(state__in=["waiting", "offered"]),
                name="waiting_once_for_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.machine} {self.start:%Y-%m-%d %H:%M}"
