"""Sending what people are told: once, tried again, and never doubled by a worker that was killed."""

import datetime as dt
import logging
import smtplib

import pytest
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend

from people.models import Channel, Delivery, Notice, NoticePreference
from people.notices import tell
from people.notices.calls import calls_waiting, drop_calls_that_are_over, note_called, note_not_reached
from people.notices.send import LOST_AFTER, PAUSES, TRIES, send_due
from tests.factories import NOW, make_person, make_site, minutes

pytestmark = pytest.mark.django_db

Status = Delivery.Status
LOCMEM = "django.core.mail.backends.locmem.EmailBackend"
PARAMS = {
    "what": "Laser", "zone": "Europe/Paris", "until": None, "why": "",
    "start": (NOW + dt.timedelta(days=2)).isoformat(), "end": (NOW + dt.timedelta(days=2, hours=1)).isoformat(),
}  # fmt: skip
ADDRESS = "zoe@example.org"


class Failing(BaseEmailBackend):
    """A server that takes nothing, for the reason that the test gives."""

    trouble: Exception = ConnectionRefusedError(f"no route to {ADDRESS}")

    def send_messages(self, email_messages):
        raise self.trouble


@pytest.fixture
def mails(settings):
    settings.EMAIL_BACKEND = LOCMEM
    return mail.outbox


@pytest.fixture
def failing(settings, monkeypatch):
    settings.EMAIL_BACKEND = f"{__name__}.Failing"

    def because(trouble):
        monkeypatch.setattr(Failing, "trouble", trouble)

    return because


def told(kind="reservation_cancelled", *, key="k1", site=None, params=PARAMS, due_at=None, **fields):
    person = make_person(**({"contact_email": ADDRESS} | fields))
    return tell(person=person, kind=kind, key=key, params=params, now=NOW, site=site, link="/x/", due_at=due_at)


def send(now=NOW):
    return send_due(clock=lambda: now)


def states(notice):
    return dict(notice.deliveries.values_list("channel", "status"))


def test_letter_goes_once_in_the_persons_language(mails):
    notice = told(language="fr")

    counts = [send(), send()]

    assert counts == [1, 0]
    assert [letter.to for letter in mails] == [[ADDRESS]]
    assert "vendredi 13 mars" in mails[0].subject
    assert "/x/" in mails[0].body
    assert states(notice) == {Channel.EMAIL: Status.SENT}


def test_letter_is_not_sent_before_it_is_due(mails):
    told("reminder_start", due_at=NOW + minutes(60))

    counts = [send(NOW + minutes(59)), send(NOW + minutes(60))]

    assert counts == [0, 1]


def test_what_comes_too_late_is_not_sent(mails):
    notice = told("reminder_start")

    assert send(NOW + dt.timedelta(days=3)) == 0
    assert states(notice) == {Channel.EMAIL: Status.DROPPED}


def test_failure_is_tried_again_with_growing_pauses_then_the_desk_telephones(mails, failing):
    site = make_site()
    notice, now = told(site=site), NOW

    for pause in (*PAUSES, None):
        assert send(now) == 0
        if pause is not None:
            assert send(now + pause - minutes(0.5)) == 0
            now += pause

    email = notice.deliveries.get(channel=Channel.EMAIL)
    assert (email.status, email.attempts, email.error) == (Status.FAILED, TRIES, "ConnectionRefusedError")
    assert [row.notice for row in calls_waiting(site=site, now=now)] == [notice]


def test_letter_goes_when_the_server_is_back(mails, failing, settings):
    notice = told()
    send()

    settings.EMAIL_BACKEND = LOCMEM
    counts = [send(NOW + minutes(m)) for m in (0.5, 1, 2)]

    assert counts == [0, 1, 0]
    assert states(notice) == {Channel.EMAIL: Status.SENT}


@pytest.mark.parametrize(
    ("code", "status"), [(550, Status.FAILED), (450, Status.QUEUED)], ids=["refused for good", "refused for now"]
)
def test_address_that_is_refused(failing, code, status):
    notice = told()
    failing(smtplib.SMTPRecipientsRefused({ADDRESS: (code, b"no")}))

    send()

    assert notice.deliveries.get(channel=Channel.EMAIL).status == status


def test_what_need_not_reach_is_not_telephoned(failing):
    notice = told("reservation_expired")
    failing(smtplib.SMTPRecipientsRefused({ADDRESS: (550, b"no")}))

    send()

    assert states(notice) == {Channel.EMAIL: Status.FAILED}


def test_server_that_is_away_is_not_asked_by_each_letter(failing):
    for n in range(6):
        told(key=f"k{n}")

    send()

    assert Delivery.objects.filter(attempts=1).count() == 3


def test_one_bad_letter_does_not_keep_the_others(mails):
    first = told(key="k1", contact_email=f"zoe@example.org\nBcc: {ADDRESS}"[:60])
    told(key="k2")

    assert send() == 1
    assert states(first)[Channel.EMAIL] == Status.QUEUED


def test_worker_killed_while_sending_doubles_nothing(mails, monkeypatch):
    site = make_site()
    notice = told(site=site)
    monkeypatch.setattr("people.notices.send._note_done", killed)
    with pytest.raises(KeyboardInterrupt):
        send()
    monkeypatch.undo()

    counts = [send(NOW + minutes(1)), send(NOW + LOST_AFTER), send(NOW + LOST_AFTER * 2)]

    assert counts == [0, 0, 0]
    assert len(mails) == 1
    assert states(notice) == {Channel.EMAIL: Status.FAILED, Channel.CALL: Status.TO_CALL}


def killed(*_args):
    raise KeyboardInterrupt


def test_nothing_personal_is_logged_or_kept(failing, caplog):
    caplog.set_level(logging.DEBUG)
    told(first_name="Zorobabel")
    failing(OSError(f"Zorobabel at {ADDRESS}"))

    send()

    kept = " ".join(Delivery.objects.values_list("error", flat=True))
    for word in (ADDRESS, "Zorobabel"):
        assert word not in caplog.text + kept
    assert "could not be sent" in caplog.text


def test_who_wants_no_letter_gets_none(mails):
    person = make_person(contact_email=ADDRESS)
    NoticePreference.objects.create(person=person, kind="reservation_made", channel="email", is_wanted=False)

    notice = tell(person=person, kind="reservation_made", key="k", params=PARAMS, now=NOW)

    assert Channel.EMAIL not in states(notice)


# --- by telephone -----------------------------------------------------------------------------------------------


@pytest.fixture
def call():
    """Somebody without an e-mail address or a way to sign in."""
    notice = told(site=make_site(), contact_email="")
    return notice.deliveries.get(channel=Channel.CALL)


def test_who_was_told_leaves_the_list_once(call, by):
    answers = [note_called(delivery=call, by=by, now=NOW) for _ in range(2)]

    call.refresh_from_db()
    assert answers == [True, False]
    assert (call.status, call.done_by, call.done_at) == (Status.CALLED, by, NOW)


def test_who_did_not_answer_stays_behind_the_others(call):
    site = call.notice.site
    other = told(key="k2", site=site, contact_email="").deliveries.get()

    note_not_reached(delivery=call)

    assert list(calls_waiting(site=site, now=NOW)) == [other, call]


def test_call_that_is_over_leaves_the_list(call):
    counts = [drop_calls_that_are_over(now=NOW + dt.timedelta(days=days)) for days in (1, 3)]

    assert counts == [0, 1]
    assert not calls_waiting(site=call.notice.site, now=NOW + dt.timedelta(days=3)).exists()


def test_call_of_another_site_is_not_on_the_list(call):
    assert not calls_waiting(site=make_site(), now=NOW).exists()


def test_erased_person_is_told_nothing_any_more(call):
    call.notice.person.delete()

    assert not Notice.objects.exists()
    assert not Delivery.objects.exists()
