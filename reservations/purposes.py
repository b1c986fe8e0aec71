"""Why this app keeps what it keeps about people: entries of the register."""

from django.utils.translation import gettext_lazy as _

from fablab.lib.personal_data import Activity, Basis

BOOKINGS = Activity(
    "bookings",
    _("Reservations"),
    _("To keep a machine free for the person at the time they asked for, and to count its use."),
    Basis.SERVICE,
    _("the person, their team, and the team of the site; everybody else sees only that the time is taken"),
)
CREDITS = Activity(
    "credits",
    _("Credits"),
    _("To know what was paid for in advance, and what is left of it."),
    Basis.SERVICE,
    _("the person, and the team of the site"),
)
