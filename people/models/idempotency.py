from django.db import models
from django.utils.translation import gettext_lazy as _

from fablab.lib import retention
from fablab.lib.personal_data import Fate, PersonalData
from people.models.person import Person
from people.purposes import SIGN_IN


class IdempotentRequest(models.Model):
    """An answer already given to a request that carried `Idempotency-Key`; honoured for 24 h."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64)
    status_code = models.PositiveSmallIntegerField(null=True)
    body = models.BinaryField(default=b"")
    created_at = models.DateTimeField(db_index=True)

    personal_data = PersonalData(
        SIGN_IN,
        _("the answer already given to a program, so that nothing is done twice"),
        retention.REQUEST,
        subject="person",
        clock="created_at",
        fate=Fate.DELETED,
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "key"], name="idempotency_key_once")]

    def __str__(self) -> str:
        return self.key
