"""Why this app keeps what it keeps about people: entries of the register."""

from django.utils.translation import gettext_lazy as _

from fablab.lib.personal_data import Activity, Basis

QUALIFICATIONS = Activity(
    "qualifications",
    _("Qualifications"),
    _("So that nobody uses a dangerous machine without having learnt how."),
    Basis.INTEREST,
    _("the person, and the team of the site"),
)
CARE = Activity(
    "care",
    _("Care of the machines"),
    _("To know who reported a fault and who mended it, in order to ask them."),
    Basis.INTEREST,
    _("the team of the site; the reason of an outage is public and should name nobody"),
)
DUTY = Activity(
    "duty",
    _("Who is on duty"),
    _("So that dangerous machines are used only while somebody of the team is near."),
    Basis.INTEREST,
    _("the team of the site; everybody else sees only the hours, without names"),
)
