"""Why this app keeps what it keeps about people: entries of the register."""

from django.utils.translation import gettext_lazy as _

from fablab.lib.personal_data import Activity, Basis

PRINTS = Activity(
    "prints",
    _("3D prints"),
    _("To print the file that the person sent, and to help when a print fails."),
    Basis.SERVICE,
    _("the person, and the team of the site"),
    module="printing",
)
