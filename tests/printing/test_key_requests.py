"""A key that OctoPrint gives itself: wished for on a page, asked for by the worker, allowed by somebody over there."""

import datetime as dt

import pytest

from fablab.lib.secretbox import unseal
from printing.backends.appkeys import AppKeyRequest
from printing.forms_printer import PrinterForm
from printing.key_requests import WAITS_FOR, ask_due, stop_asking
from printing.models import BackendKind, KeyRequest, Printer
from printing.printer_services import save_printer
from tests.contract.fake_octoprint import FakeOctoPrint
from tests.factories import NOW, make_machine, make_person

pytestmark = pytest.mark.django_db

A_SECOND, A_MINUTE = dt.timedelta(seconds=1), dt.timedelta(minutes=1)
State = KeyRequest.State


@pytest.fixture
def octoprint(printers_allowed):
    server = FakeOctoPrint()
    yield server
    server.stop()


@pytest.fixture
def machine():
    return make_machine()


def wish(machine, octoprint, **fields):
    words = {"is_enabled": True, "base_url": octoprint.url, "asks_key": True} | fields
    return save_printer(machine=machine, by=make_person(), now=NOW, **words)


def decide(octoprint, answer):
    octoprint.app_keys = dict.fromkeys(octoprint.app_keys, answer)


def ask_for(seconds, begin=NOW):
    """The worker's look, second after second."""
    return [ask_due(begin + n * A_SECOND) for n in range(seconds)]


def meanwhile(monkeypatch, deed):
    """Do it after OctoPrint was asked, before its answer is written down."""
    real = AppKeyRequest.poll

    def poll(*args, **kwargs):
        key = real(*args, **kwargs)
        deed()
        return key

    monkeypatch.setattr(AppKeyRequest, "poll", staticmethod(poll))


def state_of(printer):
    return KeyRequest.objects.get(printer=printer).state


def test_printer_without_a_key_waits_for_it_out_of_service(machine, octoprint):
    printer = wish(machine, octoprint)

    ask_for(3)

    printer.refresh_from_db()
    assert (printer.is_enabled, printer.api_key_sealed, state_of(printer)) == (False, "", State.WAITING)


def test_key_that_was_allowed_is_stored_and_the_printer_goes_into_service(machine, octoprint):
    printer = wish(machine, octoprint)
    ask_for(2)

    decide(octoprint, octoprint.api_key)
    ask_for(1, NOW + A_MINUTE)

    printer.refresh_from_db()
    assert (unseal(printer.api_key_sealed), printer.is_enabled) == (octoprint.api_key, True)
    found = KeyRequest.objects.get()
    assert (found.state, found.token_sealed) == (State.GRANTED, "")


def test_printer_meant_to_rest_stays_out_of_service_with_its_key(machine, octoprint):
    printer = wish(machine, octoprint, is_enabled=False)
    ask_for(1)

    decide(octoprint, octoprint.api_key)
    ask_for(1, NOW + A_MINUTE)

    printer.refresh_from_db()
    assert (bool(printer.api_key_sealed), printer.is_enabled) == (True, False)


def test_key_that_is_there_stays_until_another_is_given(machine, octoprint):
    printer = save_printer(
        machine=machine, by=None, now=NOW, is_enabled=True, base_url=octoprint.url, api_key="the-old-key-of-it"
    )
    wish(machine, octoprint)
    ask_for(1)

    decide(octoprint, "denied")
    ask_for(1, NOW + A_MINUTE)

    printer.refresh_from_db()
    assert (unseal(printer.api_key_sealed), printer.is_enabled) == ("the-old-key-of-it", True)
    assert state_of(printer) == State.DENIED


def test_wish_nobody_answers_ends_after_ten_minutes(machine, octoprint):
    printer = wish(machine, octoprint)
    ask_for(1)

    ask_due(NOW + WAITS_FOR + A_SECOND)

    assert state_of(printer) == State.LATE
    assert ask_due(NOW + WAITS_FOR + dt.timedelta(minutes=1)) == 0


@pytest.mark.parametrize(
    ("fault", "code"),
    [("html", "printer_protocol"), ("bad_gateway", "printer_unreachable"), ("no plugin", "printer_rejected")],
)
def test_octoprint_that_cannot_be_asked_is_said(machine, octoprint, fault, code):
    octoprint.has_app_keys = fault != "no plugin"
    octoprint.fault = "" if fault == "no plugin" else fault
    printer = wish(machine, octoprint)

    ask_for(1)

    found = KeyRequest.objects.get(printer=printer)
    assert (found.state, found.error_code) == (State.FAILED, code)


def test_wish_withdrawn_while_it_is_asked_stores_no_key(machine, octoprint, monkeypatch):
    printer = wish(machine, octoprint)
    ask_for(1)
    decide(octoprint, octoprint.api_key)

    meanwhile(monkeypatch, lambda: stop_asking(printer=printer))
    ask_for(1, NOW + A_MINUTE)

    printer.refresh_from_db()
    assert (printer.api_key_sealed, printer.is_enabled) == ("", False)


def test_key_is_not_given_to_another_address(machine, octoprint, monkeypatch):
    printer = wish(machine, octoprint)
    ask_for(1)
    decide(octoprint, octoprint.api_key)

    meanwhile(monkeypatch, lambda: Printer.objects.filter(pk=printer.pk).update(base_url="http://127.0.0.9"))
    ask_for(1, NOW + A_MINUTE)

    printer.refresh_from_db()
    assert printer.api_key_sealed == ""


def test_second_worker_finds_nothing_to_ask_meanwhile(machine, octoprint):
    wish(machine, octoprint)

    assert [ask_due(NOW), ask_due(NOW)] == [1, 0]


@pytest.mark.parametrize("kind", [BackendKind.MOONRAKER, BackendKind.PRUSALINK])
def test_other_programs_give_no_key_themselves(machine, octoprint, kind):
    save_printer(
        machine=machine, by=make_person(), now=NOW, is_enabled=True, kind=kind, base_url=octoprint.url,
        api_key="a-key-of-the-program", asks_key=True,
    )  # fmt: skip

    assert not KeyRequest.objects.exists()


def test_answer_that_is_missing_once_ends_no_wish(machine, octoprint):
    printer = wish(machine, octoprint)
    ask_for(1)
    octoprint.fault = "bad_gateway"
    ask_for(1, NOW + A_MINUTE)
    octoprint.fault = ""
    decide(octoprint, octoprint.api_key)

    ask_for(1, NOW + 2 * A_MINUTE)

    assert state_of(printer) == State.GRANTED


def test_address_changed_or_key_typed_ends_the_wish(machine, octoprint):
    printer = wish(machine, octoprint)

    wish(machine, octoprint, asks_key=False, api_key="a-key-typed-by-hand")

    assert not KeyRequest.objects.filter(printer=printer).exists()


def test_form_asks_again_where_the_last_wish_was_not_granted(machine, octoprint):
    printer = wish(machine, octoprint)
    KeyRequest.objects.update(state=State.DENIED)
    printer.refresh_from_db()

    initial = PrinterForm(machine=machine, known=printer).initial

    assert (initial["asks_key"], initial["is_enabled"]) == (True, True)
