"""Why this app keeps what it keeps about people: entries of the register."""

from django.utils.translation import gettext_lazy as _

from fablab.lib.personal_data import Activity, Basis

PROJECTS = Activity(
    "projects",
    _("Logs of projects"),
    _("So that a team finds again how its thing was made, and what did not work."),
    Basis.SERVICE,
    _("the members of the team, and the team of the site"),
    module="teams",
)
