"""The words of what the team is told about its screens, in the reader's language."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from people.notices import Words, register


def _somebody_waits(params: Mapping[str, Any]) -> Words:
    screen = {"screen": params["screen"]}
    return Words(
        gettext("Somebody waits at %(screen)s") % screen,
        gettext("Somebody asked for help on the screen %(screen)s.") % screen,
    )


def _until(params: Mapping[str, Any]) -> dt.datetime:
    return dt.datetime.fromisoformat(params["until"])


register(
    "kiosk_call",
    _("Somebody waits at a screen"),
    _somebody_waits,
    # In a minute somebody is there: a letter would come too late.
    usual=(),
    must_reach=False,
    over_at=_until,
    is_for_the_team=True,
)
