from django.db import models
from django.utils.translation import gettext_lazy as _

from fablab.lib import retention
from fablab.lib.personal_data import PersonalData
from machines.purposes import CARE
from people.models import Person
from printing.models.printer import Printer


class KeyRequest(models.Model):
    """A wish that OctoPrint give its key itself: the worker asks, somebody clicks “Allow” on OctoPrint's page."""

    class State(models.TextChoices):
        ASKED = "asked", _("about to be asked")
        WAITING = "waiting", _("waits for “Allow”")
        GRANTED = "granted", _("given")
        DENIED = "denied", _("denied")
        LATE = "late", _("nobody clicked in time")
        FAILED = "failed", _("OctoPrint could not be asked")

    OPEN = (State.ASKED, State.WAITING)

    printer = models.OneToOneField(Printer, on_delete=models.CASCADE, related_name="key_request")
    state = models.CharField(max_length=8, choices=State.choices, default=State.ASKED)
    # The printer was never in service: it goes into service with its key.
    enables = models.BooleanField(default=False)
    token_sealed = models.TextField(blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(Person, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    next_at = models.DateTimeField()

    personal_data = PersonalData(
        CARE, _("who asked a printer’s program for its key"), retention.STAFF_DEEDS, clock="asked_at"
    )

    class Meta:
        verbose_name = _("wish for a key")
        verbose_name_plural = _("wishes for a key")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=["asked", "waiting", "granted", "denied", "late", "failed"]),
                name="key_request_state_is_known",
            ),
            models.CheckConstraint(
                condition=models.Q(state="waiting") | models.Q(token_sealed=""),
                name="key_request_token_only_while_asked",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.printer}: {self.get_state_display()}"

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN
