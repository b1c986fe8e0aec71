"""The words of what people are told about machines that rest, in the reader's language."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from people.notices import Words, register
from reservations.notice_words import instant_of
from reservations.time_words import clock_words


def _words(subject: str, body: str) -> Callable[[Mapping[str, Any]], Words]:
    def words(params: Mapping[str, Any]) -> Words:
        zone = ZoneInfo(params["zone"])
        clocks = {name: clock_words(dt.datetime.fromisoformat(params[name]), zone) for name in ("since", "free")}
        facts = clocks | {"what": params["what"]}
        return Words(gettext(subject) % facts, gettext(body) % facts)

    return words


register(
    "machine_at_rest",
    _("Your machine has been at rest for a while"),
    _words(
        gettext_noop("%(what)s is at rest: do you still need it?"),
        gettext_noop(
            "%(what)s has been at rest since %(since)s. If you go on, say so on its page before %(free)s, or just use "
            "it again. Otherwise the rest of your time is free for others then."
        ),
    ),
    must_reach=False,
    over_at=instant_of("free"),
)
register(
    "finished_at_rest",
    _("Your reservation was finished early"),
    _words(
        gettext_noop("Finished: %(what)s"),
        gettext_noop(
            "%(what)s had done its work and was at rest since %(since)s: the rest of your time is free for others. "
            "If you still need it, reserve it again."
        ),
    ),
    must_reach=False,
    over_at=instant_of("end"),
)
