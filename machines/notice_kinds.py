"""The words of what people are told about inductions, in the reader's language."""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import get_language, gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from people.notices import Words, register

Params = Mapping[str, Any]


def _words(subject: str, body: str) -> Callable[[Params], Words]:
    """What the team wrote, if anything, is added to the body."""

    def words(params: Params) -> Words:
        name = params["name_en"] if get_language() == "en" else params["name_fr"]
        facts = {"what": name, "site": params["site"]}
        text = gettext(body) % facts
        if said := (params.get("words") or "").rstrip("."):
            text = f"{text} {gettext('They wrote: %(why)s.') % {'why': said}}"
        return Words(gettext(subject) % facts, text)

    return words


register(
    "induction_asked",
    _("Somebody asks for an induction"),
    _words(
        gettext_noop("An induction is asked for: %(what)s"),
        gettext_noop("Somebody at %(site)s would like the induction “%(what)s”. Agree on a time with them."),
    ),
    usual=(),
    must_reach=False,
    is_for_the_team=True,
)
register(
    "induction_granted",
    _("You have a new qualification"),
    _words(
        gettext_noop("Yours: the qualification “%(what)s”"),
        gettext_noop("You have had the induction and hold the qualification “%(what)s” now: its machines are yours."),
    ),
    must_reach=False,
)
register(
    "induction_answered",
    _("Your question about an induction was answered"),
    _words(
        gettext_noop("About your induction: %(what)s"),
        gettext_noop("The team of %(site)s has answered what you asked about the induction “%(what)s”."),
    ),
)
