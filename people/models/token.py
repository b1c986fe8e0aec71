from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _
from knox.models import AbstractAuthToken

from fablab.lib import retention
from fablab.lib.personal_data import Fate, PersonalData
from people.models.lab import Lab, Module
from people.purposes import SIGN_IN


class Scope(models.TextChoices):
    """What a token may do, never more than its person."""

    READ = "read", _("read")
    RESERVE = "reserve", _("reserve, move and cancel")
    PRINT = "print", _("send print jobs")
    MANAGE = "manage", _("manage devices")


# What a lab without the module has no use for.
MODULE_OF_SCOPE = {Scope.PRINT: Module.PRINTING, Scope.MANAGE: Module.DEVICES}


def scopes_of(lab: Lab) -> list[Scope]:
    """What a token may be given in this lab."""
    return [scope for scope in Scope if scope not in MODULE_OF_SCOPE or lab.has(MODULE_OF_SCOPE[scope])]


def only_reading() -> list[str]:
    return [Scope.READ.value]


class ApiToken(AbstractAuthToken):
    """A personal key for programs: hashed, expiring, limited to scopes."""

    name = models.CharField(_("what it is for"), max_length=80, blank=True)
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope.choices), default=only_reading)

    personal_data = PersonalData(
        SIGN_IN,
        _("a mark of the key of a program, what it is for, and what it may do"),
        retention.CODE,
        subject="user",
        clock="expiry",
        fate=Fate.DELETED,
        exported=("name", "scopes", "created", "expiry"),
        free_text=("name",),
        module="api",
    )

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")

    def __str__(self) -> str:
        return self.name or self.token_key
