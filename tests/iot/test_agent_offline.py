"""While the lab is out of reach: only whom a fresh roster, signed for this device, lets in."""

from datetime import timedelta
from typing import Any

import pytest

from iot.agent.roster import RosterRefused, read_roster
from iot.agent.settings import Settings
from tests.iot.agent_rig import BADGE, NOON, OTHER_BADGE, ROSTER_KEY, Rig, roster, signed

HOUR = timedelta(hours=1)


def offline_rig(told: dict[str, Any] | None = None, **options: Any) -> Rig:
    """A rig that knew the lab's time at noon and then lost it."""
    rig = Rig(**options)
    rig.tell_time()
    if told:
        rig.station.take_roster(told)
    rig.is_connected = rig.agent.is_connected = False
    return rig


def test_roster_lets_in_whom_it_names_until_the_end_of_their_time():
    rig = offline_rig(roster(BADGE, until=NOON + HOUR))

    rig.tap()

    [access] = rig.reported("access")
    assert rig.relay.is_on
    assert rig.station.session.left_s(rig.clock()) == 3600
    assert rig.display.shown == "Zoé: on for 60 min"
    assert access | {"request_id": "r"} == {
        "request_id": "r",
        "credential": BADGE,
        "kind": "badge",
        "decided": "allowed",
        "session_id": f"off-{access['request_id']}",
        "roster_version": 1,
    }
    assert rig.reported("event")[0]["session_id"] == access["session_id"]


def test_roster_that_ends_before_the_reservation_ends_the_session():
    rig = offline_rig(roster(BADGE, until=NOON + 5 * HOUR, valid_for=2 * HOUR))

    rig.tap()

    assert rig.station.session.left_s(rig.clock()) == 7200


@pytest.mark.parametrize(
    ("told", "badge", "later", "shown"),
    [
        (None, BADGE, timedelta(), "out of reach too long"),
        (roster(BADGE), OTHER_BADGE, timedelta(), "not known here"),
        (roster(BADGE), BADGE, 25 * HOUR, "out of reach too long"),
        (roster(BADGE, valid_for=HOUR), BADGE, HOUR, "out of reach too long"),
        (roster(BADGE, now=NOON + HOUR), BADGE, timedelta(), "out of reach too long"),
        (roster(BADGE), BADGE, HOUR, "no reservation now"),
        (roster(BADGE, start=NOON + HOUR, until=NOON + 2 * HOUR), BADGE, timedelta(), "no reservation now"),
        (roster(BADGE, is_online_only=True), BADGE, timedelta(), "needs the lab"),
        (roster(BADGE, is_online_only="no"), BADGE, timedelta(), "needs the lab"),
    ],
    ids=[
        "no roster",
        "unknown badge",
        "a day old",
        "its last second",
        "of the future",
        "time is over",
        "too early",
        "online only",
        "online only, oddly said",
    ],
)
def test_roster_lets_nobody_else_in(told: dict[str, Any] | None, badge: str, later: timedelta, shown: str):
    rig = offline_rig(told)
    rig.pass_s(later.total_seconds(), step_s=600)

    rig.tap(badge)

    assert shown in rig.display.shown
    assert rig.relay.switched == []
    assert [(told["decided"], told["session_id"]) for told in rig.reported("access")] == [("denied", "")]


def test_machine_that_is_online_only_lets_nobody_in():
    rig = offline_rig(roster(BADGE), settings=Settings(is_online_only=True))

    rig.tap()

    assert rig.relay.switched == []


def test_without_the_labs_time_nobody_is_let_in():
    rig = Rig(is_connected=False)
    rig.station.take_roster(roster(BADGE))

    rig.tap()

    assert rig.relay.switched == []


def _forged(told: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return told | changes


@pytest.mark.parametrize(
    "told",
    [
        roster(BADGE, key="aa" * 32),
        _forged(roster(BADGE), valid_until="2099-01-01T00:00:00Z"),
        _forged(roster(BADGE), entries=roster(OTHER_BADGE)["entries"]),
        _forged(roster(BADGE), version=99),
        _forged(roster(BADGE), is_online_only=False),
        _forged(roster(BADGE), signature=""),
        _forged(roster(BADGE), signature=None),
        _forged(roster(BADGE), signature="é"),
        {name: value for name, value in roster(BADGE).items() if name != "signature"},
        roster(BADGE, device="laser-2"),
        signed({"version": 1, "entries": []}),
        signed({"version": "1", "issued_at": NOON.isoformat(), "valid_until": NOON.isoformat(), "entries": []}),
        roster(BADGE, entries=[{"name": "nobody"}]),
        roster(BADGE, entries=[{"badge": "00", "from": "2026-03-12T12:00:00", "until": "soon"}]),
        roster(BADGE, valid_until="2026-03-12T12:00:00"),
        {"\ud800": 1, "signature": "0"},
    ],
    ids=[
        "another key",
        "longer",
        "other people",
        "newer",
        "a field added",
        "empty signature",
        "null signature",
        "odd signature",
        "unsigned",
        "another device",
        "no dates",
        "version a text",
        "entry without badge",
        "entry without offset",
        "date without offset",
        "half a character",
    ],
)
def test_roster_that_is_not_the_labs_is_refused(told: dict[str, Any]):
    with pytest.raises(RosterRefused):
        read_roster(told, ROSTER_KEY, "laser-1")


def test_device_that_was_given_no_key_has_no_roster():
    with pytest.raises(RosterRefused, match="enrol it again"):
        read_roster(roster(BADGE), "", "laser-1")


def test_names_in_any_script_are_signed_as_they_are_written():
    told = roster(BADGE, note="Zoé 图书馆")

    assert read_roster(told, ROSTER_KEY, "laser-1").entries[0].name == "Zoé"


def test_newer_roster_replaces_and_an_older_one_does_not():
    rig = offline_rig(roster(BADGE, version=5))

    rig.station.take_roster(roster(OTHER_BADGE, version=4))
    rig.tap(OTHER_BADGE)
    refused = rig.relay.is_on
    rig.station.take_roster(roster(OTHER_BADGE, version=6))
    rig.pass_s(3)
    rig.tap(OTHER_BADGE)

    assert (refused, rig.relay.is_on) == (False, True)


def test_roster_of_a_lab_that_was_restored_counts_by_its_date():
    rig = offline_rig(roster(BADGE, version=500))

    rig.station.take_roster(roster(OTHER_BADGE, version=3, now=NOON + timedelta(minutes=1)))

    assert rig.station.roster_version == 3


def test_roster_outlives_a_restart_of_the_agent():
    rig = offline_rig(roster(BADGE))

    rig.restart()
    rig.tell_time()
    rig.tap()

    assert rig.relay.is_on


def test_new_enrolment_forgets_the_roster():
    rig = offline_rig(roster(BADGE, version=5))
    rig.state.enrolled("bb" * 32)

    rig.restart()
    rig.station.take_roster(roster(OTHER_BADGE, version=1, key="bb" * 32))

    assert rig.station.roster_version == 1


def test_lab_that_does_not_answer_is_out_of_reach():
    rig = Rig()
    rig.tell_time()
    rig.station.take_roster(roster(BADGE))

    request_id = rig.tap()
    rig.pass_s(1)
    before = rig.relay.is_on
    rig.pass_s(1)

    assert (before, rig.relay.is_on) == (False, True)
    assert [told.get("decided", "") for told in rig.reported("access")] == ["", "allowed"]
    assert {told["request_id"] for told in rig.reported("access")} == {request_id}


def test_late_yes_gives_the_offline_session_the_labs_name():
    rig = Rig()
    rig.tell_time()
    rig.station.take_roster(roster(BADGE))
    request_id = rig.tap()
    rig.pass_s(3)

    rig.allow(request_id, "s-77")
    rig.pass_s(5)
    rig.station.press()

    under_its_name = [told for told in rig.reported("event") if told["session_id"] == "s-77"]
    # Without the first the lab would wait for the power to come: nobody could end it by a badge.
    assert under_its_name[0]["event"] == "energised"
    assert [told["session_id"] for told in rig.reported("event")][-2:] == ["s-77", "s-77"]
    assert rig.relay.switched == [True, False]


def test_lab_that_does_not_answer_and_gave_no_roster_is_to_be_asked_again():
    rig = Rig()

    rig.tap()
    rig.pass_s(2)

    assert rig.display.shown == "The lab does not answer: hold your badge again"
    assert rig.relay.switched == []


@pytest.mark.parametrize("is_busy", [False, True])
def test_late_no_ends_the_offline_session_once_the_machine_rests(is_busy: bool):
    rig = Rig()
    rig.tell_time()
    rig.station.take_roster(roster(BADGE))
    request_id = rig.tap()
    rig.pass_s(3)
    rig.busy.turn(is_busy)
    rig.pass_s(1)

    rig.deny(request_id)
    rig.pass_s(20)

    assert rig.relay.is_on is is_busy
    assert ("stop:permission" in rig.events()) is not is_busy


def test_running_session_goes_on_when_the_lab_is_lost():
    rig = Rig()
    rig.run_session(most_s=3600)

    rig.agent.is_connected = False
    rig.pass_s(3000)

    assert rig.relay.switched == [True]


def test_offline_nobody_takes_over():
    rig = Rig()
    rig.tell_time()
    rig.station.take_roster(roster(BADGE, OTHER_BADGE))
    rig.run_session()
    rig.agent.is_connected = False
    rig.pass_s(3)

    rig.tap(OTHER_BADGE)

    assert rig.station.session.session_id == "s-1"
    assert rig.reported("access")[-1]["decided"] == "denied"


def test_two_step_start_needs_the_button_offline_too():
    rig = offline_rig(roster(BADGE), settings=Settings(is_two_step=True))

    rig.tap()
    before = rig.relay.is_on
    rig.station.press()

    assert (before, rig.relay.is_on) == (False, True)
