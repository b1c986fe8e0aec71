"""The words of what people are told about their reservations, each once, in the reader's language."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from people.notices import register
from reservations import loan_notice_kinds  # noqa: F401  # Registers those of loans.
from reservations.notice_words import instant_of as _instant
from reservations.notice_words import words_of as _words

# On a screen at once, and in a letter that may come later: so each says the day.
register(
    "reservation_made",
    _("Somebody reserved for you"),
    _words(
        gettext_noop("Reserved for you: %(what)s, %(moment)s"),
        gettext_noop("The team reserved %(what)s for you: %(moment)s, until %(end)s."),
        says_due=True,
    ),
    over_at=_instant("end"),
)
register(
    "reservation_from_waiting",
    _("A waiting list reserved for you"),
    _words(
        gettext_noop("Yours: %(what)s, %(moment)s"),
        gettext_noop("You waited for %(what)s, and it is reserved for you now: %(moment)s, until %(end)s."),
        says_due=True,
    ),
    over_at=_instant("end"),
)
register(
    "reservation_moved",
    _("Your reservation was moved"),
    _words(
        gettext_noop("Moved: %(what)s, now %(moment)s"),
        gettext_noop("Your reservation of %(what)s was moved: %(moment)s, until %(end)s."),
        with_why=gettext_noop("Why: %(why)s."),
        says_due=True,
    ),
    over_at=_instant("end"),
)
register(
    "reservation_cancelled",
    _("Your reservation was cancelled"),
    _words(
        gettext_noop("Cancelled: %(what)s, %(moment)s"),
        gettext_noop("Your reservation of %(what)s, %(moment)s, was cancelled."),
        with_why=gettext_noop("Why: %(why)s."),
    ),
    over_at=_instant("end"),
)
register(
    "reservation_offered",
    _("Your turn on a waiting list"),
    _words(
        gettext_noop("It is your turn: %(what)s, %(moment)s"),
        gettext_noop(
            "%(what)s is free for you: %(moment)s, until %(end)s. Say yes before %(until)s, or the next one gets it."
        ),
        says_due=True,
    ),
    over_at=_instant("until"),
)
register(
    "reservation_approved",
    _("Your request was answered: yes"),
    _words(
        gettext_noop("Yes: %(what)s, %(moment)s"),
        gettext_noop("The team said yes: %(what)s is yours, %(moment)s, until %(end)s."),
        with_why=gettext_noop("They wrote: %(why)s."),
        says_due=True,
    ),
    over_at=_instant("end"),
)
register(
    "reservation_refused",
    _("Your request was answered: no"),
    _words(
        gettext_noop("No: %(what)s, %(moment)s"),
        gettext_noop("The team said no to %(what)s, %(moment)s."),
        with_why=gettext_noop("They wrote: %(why)s."),
    ),
    over_at=_instant("end"),
)
register(
    "reservation_nobody_came",
    _("Are you coming?"),
    _words(
        gettext_noop("Are you coming? %(what)s is waiting for you"),
        gettext_noop("You reserved %(what)s, %(moment)s. Tell us that you are coming, or give it to somebody else."),
    ),
    over_at=_instant("end"),
)
register(
    "reservation_given_away",
    _("Your time was given to others"),
    _words(
        gettext_noop("Given to others: %(what)s, %(moment)s"),
        gettext_noop("Nobody came for %(what)s, %(moment)s: the rest of the time is free for others."),
    ),
    over_at=_instant("end"),
)
register(
    "reservation_expired",
    _("An offer or a request ran out"),
    _words(
        gettext_noop("Run out: %(what)s, %(moment)s"),
        gettext_noop("Nobody answered in time: %(what)s, %(moment)s, is free for others again."),
    ),
    must_reach=False,
    over_at=_instant("end"),
)
register(
    "waiting_free",
    _("A time you asked about is free"),
    _words(
        gettext_noop("Free now: %(what)s, %(moment)s"),
        gettext_noop("%(what)s is free: %(moment)s, until %(end)s. It is not kept for you: reserve it if you want it."),
    ),
    must_reach=False,
    over_at=_instant("start"),
)
register(
    "reminder_start",
    _("The day before"),
    _words(
        gettext_noop("Tomorrow: %(what)s, %(moment)s"),
        gettext_noop("You reserved %(what)s: %(moment)s, until %(end)s. If you cannot come, give it back to others."),
        says_due=True,
    ),
    must_reach=False,
    over_at=_instant("start"),
)
register(
    "reminder_end",
    _("Ten minutes before the end"),
    _words(
        gettext_noop("%(what)s: ten minutes left"),
        gettext_noop("Your time on %(what)s ends at %(end)s."),
    ),
    usual=(),
    must_reach=False,
    over_at=_instant("end"),
)
register(
    "request_waiting",
    _("Requests that wait for your answer"),
    _words(
        gettext_noop("A request: %(what)s, %(moment)s"),
        gettext_noop("Somebody asks for %(what)s: %(moment)s, until %(end)s. Say yes or no before it begins."),
    ),
    must_reach=False,
    over_at=_instant("start"),
    is_for_the_team=True,
)
register(
    "taking_part",
    _("Your team counts on you"),
    _words(
        gettext_noop("You take part: %(what)s, %(moment)s"),
        gettext_noop(
            "Your team reserved %(what)s and counts on you: %(moment)s, until %(end)s. If you cannot come, say so."
        ),
    ),
    must_reach=False,
    over_at=_instant("end"),
)
register(
    "taking_part_moved",
    _("Something in which you take part was moved"),
    _words(
        gettext_noop("Moved: %(what)s, now %(moment)s"),
        gettext_noop("Your team’s reservation of %(what)s was moved: %(moment)s, until %(end)s. You take part in it."),
    ),
    over_at=_instant("end"),
)
register(
    "taking_part_cancelled",
    _("Something in which you take part was cancelled"),
    _words(
        gettext_noop("Cancelled: %(what)s, %(moment)s"),
        gettext_noop("Your team’s reservation of %(what)s, %(moment)s, does not take place."),
    ),
    over_at=_instant("end"),
)
register(
    "taking_part_over",
    _("Your team no longer counts on you"),
    _words(
        gettext_noop("Without you: %(what)s, %(moment)s"),
        gettext_noop("You no longer take part in your team’s reservation of %(what)s, %(moment)s."),
    ),
    over_at=_instant("end"),
)
register(
    "taking_part_nobody_came",
    _("Is somebody of your team coming?"),
    _words(
        gettext_noop("Are you coming? %(what)s is waiting for your team"),
        gettext_noop("Your team reserved %(what)s, %(moment)s, and nobody has come yet. Tell us if you are coming."),
    ),
    must_reach=False,
    over_at=_instant("end"),
)
register(
    "taking_part_reminder",
    _("The day before something in which you take part"),
    _words(
        gettext_noop("Tomorrow: %(what)s, %(moment)s"),
        gettext_noop(
            "You take part: %(what)s, %(moment)s, until %(end)s. If you cannot come, say so on the reservation’s page."
        ),
    ),
    must_reach=False,
    over_at=_instant("start"),
)
register(
    "companion_left",
    _("Somebody of your team cannot come"),
    _words(
        gettext_noop("Somebody cannot come: %(what)s, %(moment)s"),
        gettext_noop("Somebody of your team no longer comes to %(what)s, %(moment)s. Look who comes now."),
    ),
    must_reach=False,
    over_at=_instant("start"),
)
register(
    "machine_still_busy",
    _("The machine you reserved still runs"),
    _words(
        gettext_noop("%(what)s is still at work"),
        gettext_noop("%(what)s still runs for somebody else; your time begins %(moment)s. Ask the team on the spot."),
    ),
    over_at=_instant("end"),
)
register(
    "machine_still_busy_twin",
    _("The machine you reserved still runs, and another one is free"),
    _words(
        gettext_noop("%(what)s is still at work; %(twin)s is free"),
        gettext_noop("%(what)s still runs for somebody else. %(twin)s is free then: move your reservation there."),
    ),
    over_at=_instant("end"),
)
register(
    "somebody_waits_for_you",
    _("Your time is over and somebody waits"),
    _words(
        gettext_noop("%(what)s: the next one is waiting"),
        gettext_noop("Your time on %(what)s is over, and somebody has reserved it from %(moment)s."),
    ),
    must_reach=False,
    over_at=_instant("end"),
)
register(
    "series_made",
    _("Somebody reserved many dates for you"),
    _words(
        gettext_noop("Reserved for you: %(what)s, on many dates"),
        gettext_noop("The team reserved %(what)s for you, each time until %(end_clock)s: %(days)s."),
    ),
    over_at=_instant("last"),
)
register(
    "series_moved",
    _("Many dates of yours were moved"),
    _words(
        gettext_noop("Moved: %(what)s, on many dates"),
        gettext_noop("Your reservations of %(what)s were moved. They are now, each until %(end_clock)s: %(days)s."),
    ),
    over_at=_instant("last"),
)
register(
    "series_cancelled",
    _("Many dates of yours were cancelled"),
    _words(
        gettext_noop("Cancelled: %(what)s, on many dates"),
        gettext_noop("These reservations of %(what)s were cancelled: %(days)s."),
        with_why=gettext_noop("Why: %(why)s."),
    ),
    over_at=_instant("last"),
)
register(
    "series_approved",
    _("Many requests of yours were answered: yes"),
    _words(
        gettext_noop("Yes: %(what)s, on many dates"),
        gettext_noop("The team said yes: %(what)s is yours, each time until %(end_clock)s: %(days)s."),
        with_why=gettext_noop("They wrote: %(why)s."),
    ),
    over_at=_instant("last"),
)
register(
    "series_refused",
    _("Many requests of yours were answered: no"),
    _words(
        gettext_noop("No: %(what)s, on many dates"),
        gettext_noop("The team said no to %(what)s on these dates: %(days)s."),
        with_why=gettext_noop("They wrote: %(why)s."),
    ),
    over_at=_instant("last"),
)
register(
    "taking_part_series",
    _("Your team counts on you on many dates"),
    _words(
        gettext_noop("You take part: %(what)s, on many dates"),
        gettext_noop(
            "Your team reserved %(what)s and counts on you, each time until %(end_clock)s: %(days)s. If you cannot "
            "come, say so."
        ),
    ),
    must_reach=False,
    over_at=_instant("last"),
)
register(
    "taking_part_series_moved",
    _("Many dates on which you take part were moved"),
    _words(
        gettext_noop("Moved: %(what)s, on many dates"),
        gettext_noop(
            "Your team’s reservations of %(what)s were moved. They are now, each until %(end_clock)s: %(days)s. You "
            "take part in them."
        ),
    ),
    over_at=_instant("last"),
)
register(
    "taking_part_series_cancelled",
    _("Many dates on which you take part were cancelled"),
    _words(
        gettext_noop("Cancelled: %(what)s, on many dates"),
        gettext_noop("Your team’s reservations of %(what)s do not take place on these dates: %(days)s."),
    ),
    over_at=_instant("last"),
)
register(
    "reservation_does_not_fit",
    _("Your reservation no longer fits"),
    _words(
        gettext_noop("Please choose another time: %(what)s, %(moment)s"),
        gettext_noop("That is no longer possible: %(what)s, %(moment)s, until %(end)s. Move it or cancel it."),
        with_why=gettext_noop("Why: %(why)s."),
    ),
    over_at=_instant("end"),
)
register(
    "taken_elsewhere",
    _("Another calendar takes a machine that is reserved"),
    _words(
        gettext_noop("Taken in another calendar: %(what)s, %(moment)s"),
        gettext_noop(
            "%(what)s is reserved %(moment)s, until %(end)s, and another calendar takes it then. Call, then move it."
        ),
    ),
    must_reach=False,
    over_at=_instant("end"),
    is_for_the_team=True,
)
