"""One trouble does not stop the purge, be it an address or a sweep; and nobody is erased unannounced."""

import datetime as dt
import smtplib
from pathlib import Path

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend as LocmemMail
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from fablab.lib import retention
from fablab.lib.personal_data import Sweep, more_sweeps
from fablab.personal.inactive import not_reached
from fablab.personal.purge import last_purge, purge
from people.models import Person
from tests.fablab.test_purge import active, came, months, old_rows
from tests.factories import NOW, give_role, make_person, make_site, make_staff

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def folders(settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    settings.MEDIA_ROOT = tmp_path / "files"


def test_sweep_that_fails_stops_only_its_own_app_and_is_not_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(now: dt.datetime, is_dry: bool) -> int:
        raise RuntimeError("no")

    # As if the app of the visits had it: its tables wait, since a sweep looks at what they are about to lose.
    broken.__module__ = "people.personal"
    monkeypatch.setattr("fablab.lib.personal_data._sweeps", [Sweep("age bands", broken), *more_sweeps()])
    old_rows(NOW - months(61), active())
    unused = came(40)

    result = purge(now=NOW)

    assert (result.failed, last_purge()) == (("age bands",), None)
    assert "people.Visit" not in result.counts
    assert result.counts["reservations.Reservation"] == 1
    assert Person.objects.get(pk=unused.pk).erased_at == NOW


def test_command_says_what_could_not_be_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fablab.lib.personal_data._sweeps", [Sweep("age bands", lambda now, is_dry: 1 // 0)])

    with pytest.raises(CommandError, match="age bands"):
        call_command("purge")


def test_who_came_back_after_the_notice_is_told_anew_before_they_are_erased() -> None:
    person = came(11.5, contact_email="zoro@lab.example")
    purge(now=NOW)
    Person.objects.filter(pk=person.pk).update(last_seen_at=NOW + 300 * DAY)

    purge(now=NOW + 300 * DAY + months(12) + DAY)
    second_notice = len(mail.outbox)
    early = Person.objects.get(pk=person.pk).erased_at
    purge(now=NOW + 300 * DAY + months(12) + DAY + retention.NOTICE)

    assert (second_notice, early) == (2, None)
    assert len(mail.outbox) == 2
    assert Person.objects.get(pk=person.pk).erased_at


class ChoosyMail(LocmemMail):
    """A mail server that refuses one address."""

    def send_messages(self, messages: list[EmailMessage]) -> int:
        if any("gone@lab.example" in message.to for message in messages):
            raise smtplib.SMTPRecipientsRefused({"gone@lab.example": (550, b"no such user")})
        return super().send_messages(messages)


def test_address_that_the_mail_server_refuses_stops_nobody_elses_notice(
    settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.ChoosyMail"
    refused, told = came(41, contact_email="gone@lab.example"), came(40, contact_email="zoro@lab.example")
    silent = came(39)

    purge(now=NOW)
    purge(now=NOW + retention.NOTICE)

    gone = {row.reference: bool(row.erased_at) for row in Person.objects.all()}
    assert gone == {refused.reference: False, told.reference: True, silent.reference: True}
    assert [message.to for message in mail.outbox] == [["zoro@lab.example"]]
    assert last_purge().at == NOW + retention.NOTICE
    assert refused.reference in caplog.text
    assert "gone@lab.example" not in caplog.text


def test_desk_sees_whose_address_is_refused(settings, client: Client) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.ChoosyMail"
    site = make_site()
    refused, told = came(40, contact_email="gone@lab.example"), came(40, contact_email="zoro@lab.example")
    for person in (refused, told):
        give_role(person=person, site=site)
    staff = make_staff(site=site)

    purge(now=NOW)

    assert not_reached(NOW, staff) == [refused]
    assert not_reached(NOW, make_staff(site=make_site())) == []
    assert not_reached(NOW, make_person(is_superuser=True)) == [refused]
    Person.objects.filter(pk=refused.pk).update(contact_email="here@lab.example")
    purge(now=NOW + DAY)
    assert not_reached(NOW + DAY, staff) == [], "told by now"
    Person.objects.filter(pk=refused.pk).update(last_seen_at=NOW + 2 * DAY)
    assert not_reached(NOW + 2 * DAY, staff) == [], "came since"


def test_page_about_those_who_leave_names_whose_address_is_refused(settings, client: Client) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.ChoosyMail"
    site = make_site()
    refused = came(40, contact_email="gone@lab.example")
    give_role(person=refused, site=site)

    purge(now=NOW)

    client.force_login(make_staff(site=site))
    assert reverse("people-person", args=[refused.reference]) in client.get(reverse("privacy-leaving")).content.decode()


class BreakingMail(LocmemMail):
    """A mail server that nobody reaches, or that breaks the connection for one address."""

    tries, breaks_at = 0, "@lab.example"

    def send_messages(self, messages: list[EmailMessage]) -> int:
        BreakingMail.tries += 1
        if any(self.breaks_at in address for message in messages for address in message.to):
            raise smtplib.SMTPServerDisconnected("Connection unexpectedly closed")
        return super().send_messages(messages)


def test_mail_server_out_of_reach_is_not_tried_for_everybody_and_shows(
    settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.BreakingMail"
    monkeypatch.setattr(BreakingMail, "tries", 0)
    for number in range(5):
        give_role(person=came(40, contact_email=f"p{number}@lab.example"), site=make_site())

    result = purge(now=NOW)

    assert (BreakingMail.tries, result.failed) == (2, ("notices sent",))
    assert not Person.objects.filter(erased_at__isnull=False).exists()
    assert not_reached(NOW, make_person(is_superuser=True)) == [], "no address is to blame"


def test_connection_that_breaks_for_one_address_stops_nobody_elses_notice(
    settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.BreakingMail"
    monkeypatch.setattr(BreakingMail, "breaks_at", "p0@")
    for number in range(3):
        came(41 - number, contact_email=f"p{number}@lab.example")

    result = purge(now=NOW)

    assert result.failed == ()
    assert sorted(message.to for message in mail.outbox) == [["p1@lab.example"], ["p2@lab.example"]]
    named = not_reached(NOW, make_person(is_superuser=True))
    assert [person.contact_email for person in named] == ["p0@lab.example"]
