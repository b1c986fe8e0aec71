from django.db import models
from django.utils.translation import gettext_lazy as _

from fablab.lib import retention
from fablab.lib.personal_data import Fate, PersonalData
from people.models import Person
from reservations.models.reservation import Reservation
from reservations.purposes import BOOKINGS


class Participant(models.Model):
    """Somebody who comes too: they are busy then, may check in, and are the buddy that a risky machine wants."""

    reservation = models.ForeignKey(Reservation, on_delete=models.CASCADE, related_name="participants")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="participations")

    personal_data = PersonalData(
        BOOKINGS,
        _("who takes part in a team's reservation"),
        retention.WITH_THE_FILE,
        subject="person",
        fate=Fate.DELETED,
        exported=("reservation",),
    )

    class Meta:
        verbose_name = _("participant")
        verbose_name_plural = _("participants")
        constraints = [models.UniqueConstraint(fields=["reservation", "person"], name="participant_once")]

    def __str__(self) -> str:
        return f"{self.person}, {self.reservation}"
