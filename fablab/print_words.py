"""When a waiting print may begin, as people say it."""

import datetime as dt

from django.utils.translation import gettext as _

from printing.overview import Waiting
from reservations.messages import duration_words

SOON = dt.timedelta(minutes=2)
# Finer than this would promise what no slicer keeps.
STEPS = ((dt.timedelta(hours=1), 5), (dt.timedelta(hours=6), 15), (dt.timedelta.max, 60))


def begins_words(waiting: Waiting) -> str:
    """“after about 3 h”; “not before 3 h from now” where something before it has no estimate."""
    after = waiting.begins_after
    if after is None:
        return _("others pass it until it is let go")
    if after < SOON:
        return _("after what runs now") if waiting.is_at_least else _("as soon as all is ready")
    words = {"time": duration_words(rounded(after))}
    return _("after %(time)s at least") % words if waiting.is_at_least else _("after about %(time)s") % words


def rounded(time: dt.timedelta) -> dt.timedelta:
    """To 5 minutes below an hour, to a quarter below six hours, else to an hour; never to nothing."""
    minutes = next(step for most, step in STEPS if time < most)
    return dt.timedelta(minutes=max(minutes, round(time.total_seconds() / 60 / minutes) * minutes))
