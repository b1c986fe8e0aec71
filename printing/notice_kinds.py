"""The words of what people are told about their prints, each once, in the reader's language."""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from people.notices import Words, register


def _words(subject: str, body: str, *, with_why: str = "") -> Callable[[Mapping[str, Any]], Words]:
    def words(params: Mapping[str, Any]) -> Words:
        text = gettext(body) % params
        why = str(params.get("why") or "").rstrip(".")
        if with_why and why:
            text = f"{text} {gettext(with_why) % {'why': why}}"
        return Words(gettext(subject) % params, text)

    return words


register(
    "print_asked",
    _("Somebody asks for a print"),
    _words(
        gettext_noop("A print waits for your yes: %(what)s"),
        gettext_noop("Somebody handed in a file for %(what)s. Look at it, and let it through or send it back."),
    ),
    is_for_the_team=True,
)
register(
    "print_approved",
    _("Your print was let through"),
    _words(
        gettext_noop("Let through: your print on %(what)s"),
        gettext_noop("Your print on %(what)s waits for its turn now."),
        with_why=gettext_noop("They write: %(why)s."),
    ),
)
register(
    "print_returned",
    _("Your print was sent back"),
    _words(
        gettext_noop("Sent back: your print on %(what)s"),
        gettext_noop("Your print on %(what)s was sent back. Mend it and hand it in again, or withdraw it."),
        with_why=gettext_noop("Why: %(why)s."),
    ),
)
register(
    "print_started",
    _("Your print begins"),
    _words(gettext_noop("It prints: %(what)s"), gettext_noop("Your print on %(what)s has begun.")),
    usual=(),
    must_reach=False,
)
register(
    "print_finished",
    _("Your print is done"),
    _words(
        gettext_noop("Done: your print on %(what)s"),
        gettext_noop("Your print on %(what)s is done. Take it off, say how it came out and that the bed is clear."),
    ),
    must_reach=False,
)
register(
    "print_failed",
    _("Your print failed"),
    _words(
        gettext_noop("Your print on %(what)s failed"),
        gettext_noop("Your print on %(what)s came to no good end. Its page says what is known."),
    ),
)
register(
    "print_lost",
    _("Your print was lost from sight"),
    _words(
        gettext_noop("Lost from sight: your print on %(what)s"),
        gettext_noop("The printer %(what)s came back without your print. Look at the bed and say how it ended."),
    ),
)
register(
    "print_bed_waits",
    _("Others wait until your print is off the bed"),
    _words(
        gettext_noop("Others wait: take your print off %(what)s"),
        gettext_noop("Your print lies on the bed of %(what)s and somebody else’s turn has come. Take it off, please."),
    ),
)
register(
    "print_unheeded",
    _("A printer does not stop"),
    _words(
        gettext_noop("It does not stop: %(what)s"),
        gettext_noop("The printer %(what)s was asked six times to stop a print and goes on. Press the button at it."),
    ),
    is_for_the_team=True,
)
register(
    "spool_low",
    _("A spool runs low"),
    _words(
        gettext_noop("Nearly empty: %(what)s"),
        gettext_noop("%(grams)s g of %(what)s are left. Order some, or put on another spool."),
    ),
    is_for_the_team=True,
)
