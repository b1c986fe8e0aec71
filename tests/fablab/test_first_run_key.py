"""The address by which somebody far from the machine claims a lab that has nobody yet."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from fablab.first_run.key import SESSION_NAME
from tests.factories import make_person

pytestmark = pytest.mark.django_db


def test_address_opens_the_first_question_from_afar() -> None:
    said = StringIO()

    call_command("first_run_key", stdout=said)
    path = "/" + said.getvalue().strip().split("/", 3)[3]
    client = Client(REMOTE_ADDR="192.0.2.7")
    client.get(path)

    assert client.session[SESSION_NAME] is True


def test_lab_with_an_administrator_tells_no_key() -> None:
    make_person(is_superuser=True)

    with pytest.raises(CommandError, match="already"):
        call_command("first_run_key")
