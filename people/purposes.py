"""Why this app keeps what it keeps about people: entries of the register."""

from django.utils.translation import gettext_lazy as _

from fablab.lib.personal_data import Activity, Basis

FILES = Activity(
    "files",
    _("Files of the people who come"),
    _("To know who comes, to be able to call them, and to reach the responsible adult of a minor."),
    Basis.SERVICE,
    _("the team of the sites where the person comes"),
)
SIGN_IN = Activity(
    "sign-in",
    _("Signing in"),
    _("To let each person, and nobody else, into their own pages."),
    Basis.SERVICE,
    _("nobody: the team sees no password and no code once it was handed over"),
)
VISITS = Activity(
    "visits",
    _("Who is here"),
    _("To know who is in the building, and to count visits for those who fund the lab."),
    Basis.INTEREST,
    _("the team of the site; those who fund the lab get numbers only"),
)
TEAMS = Activity(
    "teams",
    _("Teams"),
    _("To reserve and to work as a group."),
    Basis.SERVICE,
    _("the members of the team, and the team of the site"),
    module="teams",
)
TRACE = Activity(
    "trace",
    _("What the team did with files"),
    _("So that each person can know who of the team opened their file, and what for."),
    Basis.LAW,
    _("the person, and those who run the site"),
)
FAIRNESS = Activity(
    "fairness",
    _("Suspensions"),
    _("To keep people and machines safe: the reason is told to the person."),
    Basis.INTEREST,
    _("the person, and the team of the site"),
)
GROUPS = Activity(
    "groups",
    _("Plans and communities"),
    _("To apply the rules that were agreed with some: how long, how often, how far ahead."),
    Basis.SERVICE,
    _("the person, and the team of the site"),
)
NOTICES = Activity(
    "notices",
    _("Notices"),
    _("To tell people in time what becomes of their reservations, and never twice."),
    Basis.SERVICE,
    _("the person; the team of the site where somebody has to be called; whoever carries e-mail and SMS"),
)
