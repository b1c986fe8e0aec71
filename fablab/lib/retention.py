"""How long what concerns people is kept. Each time is a setting of the installation and is shown on /privacy/."""

import datetime as dt
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from fablab.lib import env

Words = str | Promise
DAYS_A_MONTH = 365.2425 / 12


@dataclass(frozen=True, slots=True)
class Retention:
    """A time, what it counts from and what follows. Neither months nor days: as long as what it belongs to."""

    since: Words
    then: Words
    months: int = 0
    days: int = 0

    @property
    def is_timed(self) -> bool:
        return bool(self.months or self.days)

    @property
    def time(self) -> dt.timedelta:
        """A month is the twelfth of a year: a sweep of each night needs no calendar."""
        return dt.timedelta(days=round(self.months * DAYS_A_MONTH) + self.days)

    def cutoff(self, now: dt.datetime) -> dt.datetime:
        """What counts from before this instant is past its time."""
        return now - self.time

    @property
    def sentence(self) -> str:
        """“12 months after the last visit; then the file is made anonymous”, in the reader's language."""
        facts = {"time": self._duration(), "since": str(self.since), "then": str(self.then)}
        if not self.is_timed:
            return gettext("%(since)s; then %(then)s") % facts
        return gettext("%(time)s %(since)s; then %(then)s") % facts

    def _duration(self) -> str:
        if self.months:
            return ngettext("%(n)d month", "%(n)d months", self.months) % {"n": self.months}
        return ngettext("%(n)d day", "%(n)d days", self.days) % {"n": self.days}


_ANONYMOUS = _("the name goes and the count stays")
_GONE = _("it is deleted")

WITH_THE_FILE = Retention(_("As long as the person's file"), _GONE)
WITH_THE_THING = Retention(_("As long as it is in use"), _GONE)
FILE = Retention(
    _("after the last visit"),
    _("the file is made anonymous"),
    months=env.integer("FABLAB_KEEP_FILE_MONTHS", 12, least=1, most=60),
)
ACCOUNT = Retention(
    _("after the last sign-in or visit, with a notice one month before"),
    _("the account and its file are made anonymous"),
    months=env.integer("FABLAB_KEEP_ACCOUNT_MONTHS", 24, least=2, most=60),
)
BOOKING = Retention(
    _("after its end"), _ANONYMOUS, months=env.integer("FABLAB_KEEP_BOOKING_MONTHS", 24, least=1, most=120)
)
VISIT = Retention(
    _("after the visit"), _ANONYMOUS, months=env.integer("FABLAB_KEEP_VISIT_MONTHS", 12, least=1, most=60)
)
STAFF_DEEDS = Retention(
    _("after the deed"), _ANONYMOUS, months=env.integer("FABLAB_KEEP_DEEDS_MONTHS", 24, least=1, most=120)
)
ACCESS_NAMES = Retention(
    _("after the access"),
    _("the name of whoever looked goes"),
    months=env.integer("FABLAB_KEEP_ACCESS_NAMES_MONTHS", 12, least=1, most=60),
)
ACCESS = Retention(_("after the access"), _GONE, months=env.integer("FABLAB_KEEP_ACCESS_MONTHS", 60, least=1, most=120))
PRINT_FILE = Retention(
    _("after the last use"),
    _("the file, its picture and its comments are deleted"),
    days=env.integer("FABLAB_KEEP_PRINT_FILE_DAYS", 90, least=1, most=3650),
)
SUSPENSION = Retention(
    _("after its end"), _GONE, months=env.integer("FABLAB_KEEP_SUSPENSION_MONTHS", 12, least=1, most=60)
)
IMPORT = Retention(_("after the import"), _GONE, days=env.integer("FABLAB_KEEP_IMPORT_DAYS", 30, least=1, most=365))
REFUSAL = Retention(_("after the refusal"), _GONE, months=13)
NOTICE_KEPT = Retention(
    _("after it was written"), _GONE, months=env.integer("FABLAB_KEEP_NOTICES_MONTHS", 6, least=1, most=60)
)
ATTEMPT = Retention(
    _("after it was presented"), _GONE, days=env.integer("FABLAB_KEEP_ATTEMPT_DAYS", 90, least=1, most=730)
)
CODE = Retention(_("after it ended or was used"), _GONE, days=1)
REQUEST = Retention(_("after the request"), _GONE, days=1)
INBOX = Retention(_("after it came"), _GONE, days=14)
QUARANTINE = Retention(_("after it came"), _GONE, days=90)
SESSION = Retention(_("after the last sign-in"), _GONE, days=14)
FOR_GOOD = Retention(_("For good"), _("nothing: it names nobody"))

# A file that is about to be made anonymous is announced this long before.
NOTICE = dt.timedelta(days=30)
