"""Keys of stored secrets are replaced: the new one first, everything sealed anew, the old one thrown away."""

import io

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command

from fablab.lib.secretbox import seal, unseal
from fablab.resealing import sealed_fields
from iot.models import Device
from printing.models import Printer
from tests.api.lab import Lab, make_lab

pytestmark = pytest.mark.django_db


@pytest.fixture
def lab(settings) -> Lab:
    """With two secrets, sealed with the key that there was."""
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    lab = make_lab()
    Printer.objects.filter(machine=lab.printer_machine).update(api_key_sealed=seal("printer's key"))
    Device.objects.filter(pk=lab.device.pk).update(roster_key_sealed=seal("roster's key"))
    return lab


def secrets_of(lab: Lab) -> tuple[str, str]:
    printer, device = Printer.objects.get(machine=lab.printer_machine), Device.objects.get(pk=lab.device.pk)
    return unseal(printer.api_key_sealed), unseal(device.roster_key_sealed)


def reseal() -> str:
    said = io.StringIO()
    call_command("reseal", stdout=said)
    return said.getvalue()


def test_old_key_can_be_thrown_away_once_everything_is_sealed_anew(lab: Lab, settings) -> None:
    new = Fernet.generate_key().decode()
    settings.FIELD_KEYS = [new, *settings.FIELD_KEYS]

    said = reseal()

    settings.FIELD_KEYS = [new]
    assert said == "2 secrets sealed with the newest key.\n"
    assert secrets_of(lab) == ("printer's key", "roster's key")


def test_secret_that_no_key_opens_is_named_and_left_as_it_is(lab: Lab, settings) -> None:
    old = settings.FIELD_KEYS
    Device.objects.update(roster_key_sealed="")
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]

    with pytest.raises(CommandError, match=r"printing\.Printer\.api_key_sealed #\d+"):
        reseal()

    settings.FIELD_KEYS = old
    assert secrets_of(lab)[0] == "printer's key"


def test_every_sealed_column_is_found() -> None:
    assert {f"{model._meta.label}.{field.name}" for model, field in sealed_fields()} == {
        "iot.Device.roster_key_sealed",
        "machines.ExternalCalendar.sealed_url",
        "printing.KeyRequest.token_sealed",
        "printing.Printer.api_key_sealed",
    }
