"""Why this app keeps what it keeps about people: entries of the register."""

from django.utils.translation import gettext_lazy as _

from fablab.lib.personal_data import Activity, Basis

USE = Activity(
    "use",
    _("Measured use of the machines"),
    _("To know how long a machine ran, and to plan its care. No program, page or file name is ever looked at."),
    Basis.INTEREST,
    _("the person, and the team of the site"),
    module="devices",
)
MACHINE_ACCESS = Activity(
    "machine_access",
    _("Access at the machines"),
    _("So that only those start a machine who may, and to know who had it when something happens."),
    Basis.INTEREST,
    _("the person, and the team of the site"),
    module="devices",
)
MESSAGES = Activity(
    "messages",
    _("Messages of the devices"),
    _("To find out what went wrong. The number of a badge is never stored: only a mark that cannot be turned back."),
    Basis.INTEREST,
    _("those who run the site"),
    module="devices",
)
