"""What stands on a display is text: no name and no sentence makes a terminal obey."""

import pytest

from iot.agent.settings import Settings
from tests.iot.agent_rig import BADGE, ROSTER_KEY, Rig, roster, signed

ESCAPE = "Zo\x1b]0;owned\x07é\n\x9b2J\u202e"


def by_decision(rig: Rig) -> None:
    rig.run_session(display_name=ESCAPE)


def by_order(rig: Rig) -> None:
    rig.orders["enable"]({"session_id": "s-1", "most_s": 600, "display_name": ESCAPE})


def by_roster(rig: Rig) -> None:
    told = {name: value for name, value in roster(BADGE).items() if name != "signature"}
    told["entries"][0]["name"] = ESCAPE
    rig.tell_time()
    rig.station.take_roster(signed(told, ROSTER_KEY))
    rig.agent.is_connected = False
    rig.tap()


@pytest.mark.parametrize("named", [by_decision, by_order, by_roster])
def test_name_on_the_display_holds_nothing_that_a_terminal_obeys(named):
    rig = Rig()

    named(rig)
    passing = rig.display.shown
    rig.pass_s(20)

    for shown in (passing, rig.display.shown):
        assert "Zo ]0;owned" in shown
        assert not set(shown) & {"\x1b", "\x07", "\n", "\x9b", "\u202e"}


def test_sentences_keep_the_spaces_of_their_language():
    rig = Rig(settings=Settings(language="fr"))

    rig.orders["enable"]({"session_id": "s-1", "most_s": 600, "display_name": "Camille"})

    assert rig.display.shown == "Camille\u00a0: appuyez sur le bouton pour démarrer"
