"""The words of what people are told about what is lent. Registered with those of the reservations: notice_kinds.py."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from people.notices import register
from reservations.notice_words import instant_of, words_of

register(
    "loan_due_soon",
    _("The day before something lent is due"),
    words_of(
        gettext_noop("Due back: %(what)s, %(due)s"),
        gettext_noop(
            "Please bring %(what)s back by %(due)s. If you need it longer, extend it on its page: that works as long "
            "as nobody waits for it."
        ),
    ),
    over_at=instant_of("end"),
)
register(
    "loan_due",
    _("Something lent is due now"),
    words_of(
        gettext_noop("Due back now: %(what)s"),
        gettext_noop("%(what)s was to be back by %(due)s. Please bring it back, or call us."),
    ),
)
register(
    "loan_overdue",
    _("Something lent is overdue"),
    words_of(
        gettext_noop("Overdue: %(what)s"),
        gettext_noop(
            "%(what)s was to be back by %(due)s. Others wait to use it: please bring it back today, or call us."
        ),
    ),
)
register(
    "loan_overdue_team",
    _("Something lent is not back"),
    words_of(
        gettext_noop("Not back: %(what)s"),
        gettext_noop(
            "%(what)s was to be back by %(due)s. Nobody can reserve it until it is. Whom to call is on the list of "
            "loans."
        ),
    ),
    must_reach=False,
    is_for_the_team=True,
)
register(
    "loan_not_back",
    _("What you reserved is not back from a loan"),
    words_of(
        gettext_noop("Not back yet: %(what)s"),
        gettext_noop("%(what)s is not back yet, and your time begins %(moment)s. Ask the team before you come."),
    ),
    over_at=instant_of("end"),
)
register(
    "loan_not_back_twin",
    _("What you reserved is not back from a loan, and another one is free"),
    words_of(
        gettext_noop("Not back yet: %(what)s; %(twin)s is free"),
        gettext_noop(
            "%(what)s is not back yet, and your time begins %(moment)s. %(twin)s is free then: move your reservation "
            "there."
        ),
    ),
    over_at=instant_of("end"),
)
register(
    "loan_is_back",
    _("What you reserved is back from a loan"),
    words_of(
        gettext_noop("Back: %(what)s"),
        gettext_noop("%(what)s is back: it is there for you, %(moment)s."),
    ),
    over_at=instant_of("end"),
)
