"""What people may be told: each kind with its words and the ways it usually goes. Apps register theirs."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from django.utils.module_loading import autodiscover_modules

from people.models import Channel

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True, slots=True)
class Words:
    """What somebody reads: a line, and what it says beyond it."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of notice. `words(params)` is called in the reader's language.

    Every notice stands in the person's pages; `usual` are the ways it is sent too when they have said nothing;
    `must_reach` puts it on the desk's call list when no other way is left. After `over_at(params)` nobody needs to be
    told any more. `is_for_the_team`: only the team is ever told so.
    """

    code: str
    name: "StrOrPromise"
    words: Callable[[Mapping[str, Any]], Words]
    usual: frozenset[Channel]
    must_reach: bool = True
    over_at: Callable[[Mapping[str, Any]], dt.datetime | None] | None = None
    is_for_the_team: bool = False

    def is_over(self, params: Mapping[str, Any], now: dt.datetime) -> bool:
        """Whether it comes too late to be of use."""
        end = self.over_at(params) if self.over_at else None
        return end is not None and end <= now


_kinds: dict[str, Kind] = {}


def register(
    code: str,
    name: "StrOrPromise",
    words: Callable[[Mapping[str, Any]], Words],
    *,
    usual: Iterable[Channel] = (Channel.EMAIL,),
    must_reach: bool = True,
    over_at: Callable[[Mapping[str, Any]], dt.datetime | None] | None = None,
    is_for_the_team: bool = False,
) -> None:
    """Make a kind known; its code is kept with each notice and never changes."""
    _kinds[code] = Kind(code, name, words, frozenset(usual), must_reach, over_at, is_for_the_team)


def kind_of(code: str) -> Kind:
    """The kind of this code.

    Raises:
        KeyError: nobody registered it.
    """
    _load()
    return _kinds[code]


def kinds() -> list[Kind]:
    """All of them, in the order in which they were registered: those of an app stand together."""
    _load()
    return list(_kinds.values())


@cache
def _load() -> None:
    # As late as this: the words of an app import its models.
    autodiscover_modules("notice_kinds")
