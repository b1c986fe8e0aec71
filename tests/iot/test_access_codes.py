"""Codes that phones show: never a badge of anybody, and offered only where they can be typed."""

import datetime as dt

import pytest

from fablab.at_machine import Way, way_of, with_use
from iot.access.who import new_start_code, wait_for_badge
from iot.capabilities import capability_words, gaps
from iot.models import AccessAttempt, Device, DriverKind
from machines.models import Machine
from people.models import Badge, Person
from tests.factories import NOW, make_person, make_staff
from tests.iot.builders import Talker, make_device, store
from tests.iot.readers import tap

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]

SOON = NOW + dt.timedelta(seconds=5)


def reversed_bytes(code: str) -> str:
    return bytes.fromhex(code)[::-1].hex().upper()


AS_TYPED = {
    "as it stands": lambda code: code,
    "read as a decimal number": lambda code: f"{int(code):08X}",
    "last byte first": reversed_bytes,
    "in pairs": lambda code: f"{code[:2]}:{code[2:4]}:{code[4:]}",
}


def wait(reader: Device, machine: Machine) -> Person:
    person = make_person(first_name="Bo")
    wait_for_badge(device=reader, person=person, by=make_staff(site=machine.site), now=NOW)
    return person


@pytest.mark.parametrize("form", AS_TYPED.values(), ids=AS_TYPED)
def test_code_that_came_as_a_badge_is_given_to_nobody(lathe: Machine, reader: Device, form) -> None:
    code = new_start_code(machine=lathe, person=make_person(), now=NOW)
    wait(reader, lathe)

    decision = tap(reader, form(code), at=SOON)

    assert (decision.is_allowed, decision.reason) == (False, "unknown_badge")
    assert not Badge.objects.exists()


def test_code_that_is_used_or_over_is_nobodys_badge_either(lathe: Machine, reader: Device) -> None:
    used = new_start_code(machine=lathe, person=make_person(), now=NOW)
    tap(reader, used, kind="code")
    wait(reader, lathe)

    assert not tap(reader, used, at=SOON).is_allowed
    assert not Badge.objects.exists()


def test_badge_is_given_while_a_code_is_good(lathe: Machine, reader: Device) -> None:
    new_start_code(machine=lathe, person=make_person(), now=NOW)
    bo = wait(reader, lathe)

    tap(reader, at=SOON)

    assert Badge.objects.get().person == bo


def test_number_of_six_digits_that_is_no_code_may_be_a_badge(lathe: Machine, reader: Device) -> None:
    """The three bytes of an old card; no phone shows them."""
    bo = wait(reader, lathe)

    tap(reader, "482913", at=SOON)

    assert Badge.objects.get().person == bo


def test_typed_code_while_a_badge_is_waited_for_opens_and_gives_no_badge(lathe: Machine, reader: Device) -> None:
    camille = make_person()
    code = new_start_code(machine=lathe, person=camille, now=NOW)
    wait(reader, lathe)

    decision = tap(reader, code, kind="code", at=SOON)

    assert decision.is_allowed
    assert AccessAttempt.objects.get().person == camille
    assert not Badge.objects.exists()


def test_unknown_code_is_told_in_words_of_its_own(lathe: Machine, reader: Device) -> None:
    decision = tap(reader, "000000", kind="code")

    assert decision.reason == "unknown_code"
    assert decision.text != tap(reader, "04FF00FF").text


def test_unknown_codes_count_as_guesses(lathe: Machine, reader: Device) -> None:
    for n in range(5):
        tap(reader, f"00000{n}", kind="code", at=NOW + dt.timedelta(seconds=n))
    code = new_start_code(machine=lathe, person=make_person(), now=NOW)

    assert tap(reader, code, kind="code", at=NOW + dt.timedelta(seconds=6)).reason == "too_many_attempts"


# --- where they can be typed --------------------------------------------------------------------------------------


def way(machine: Machine) -> Way | None:
    return way_of(with_use(Machine.objects.with_places().select_related("printer"), NOW).get(pk=machine.pk))


WAYS: dict[str, tuple[list[str], Way | None]] = {
    "keys": (["relay", "badge", "keypad"], Way.CODE),
    "a reader without keys": (["relay", "badge"], None),
    "a button": (["relay", "button"], None),
    "only measures": (["power_w"], None),
    "has not said": ([], None),
}


@pytest.mark.parametrize(("has", "expected"), WAYS.values(), ids=WAYS)
def test_code_is_offered_only_where_it_can_be_typed(lathe: Machine, has: list[str], expected: Way | None) -> None:
    make_device("reader", lathe, capabilities=has)

    assert way(lathe) == expected


def test_keys_of_one_device_are_enough_and_those_of_a_revoked_one_are_not(lathe: Machine) -> None:
    make_device("plug", lathe, kind=DriverKind.TASMOTA, topic="plug")
    keyed = make_device("keypad", lathe, capabilities=["keypad"])
    before = way(lathe)
    Device.objects.filter(pk=keyed.pk).update(revoked_at=NOW)

    assert (before, way(lathe)) == (Way.CODE, None)


def test_keypad_told_in_a_hello_offers_codes(lathe: Machine, reader: Device) -> None:
    store(Talker(reader.slug).say("hello", {"firmware": "1", "capabilities": ["relay", "keypad"]}))
    reader.refresh_from_db()

    assert way(lathe) == Way.CODE
    assert capability_words(reader) == ["a relay for the power", "keys to type a code"]


def test_keypad_confirms_a_start(lathe: Machine, reader: Device) -> None:
    lathe.risk_level, reader.machine, reader.capabilities = 1, lathe, ["relay", "keypad"]

    assert gaps(reader, None) == []
