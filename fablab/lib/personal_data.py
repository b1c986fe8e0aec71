"""What a model declares about people: why it is kept, on what ground, how long, and what becomes of it.

The privacy page, the register, the nightly purge, the export and the erasure are all made from these declarations,
so none of them can forget a table. What one app must do beyond them stands in its `personal.py`, which registers here.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _

from fablab.lib.retention import Retention

Words = str | Promise


class Basis(TextChoices):
    """The grounds of article 6 of the GDPR that a lab has use for."""

    SERVICE = "service", _("needed for the service you ask for")
    INTEREST = "interest", _("our legitimate interest in running a safe and fair lab")
    LAW = "law", _("the law asks for it")
    CONSENT = "consent", _("you agreed to it")


class Fate(Enum):
    """What becomes of a row once its time is over, or once the person is erased."""

    DELETED = "deleted"
    # The row stays for the counts: who it was about goes, and so does what they wrote.
    DETACHED = "detached"


@dataclass(frozen=True, slots=True)
class Activity:
    """What the lab does with data, as people understand it: an entry of the register."""

    code: str
    name: Words
    purpose: Words
    basis: Basis
    recipients: Words
    # Off, and the page has no word about it.
    module: str = ""


@dataclass(frozen=True, slots=True)
class PersonalData:
    """The declaration of one model.

    `subject` is the lookup from a row to the person it is about; `clock` the field its retention counts from (none:
    it goes with the person's file). `blanked` are the fields emptied when the row is detached; `exported` those that
    the person is given; `free_text` those in which somebody may have written anybody's name.
    """

    activity: Activity
    what: Words
    kept: Retention
    subject: str = ""
    clock: str = ""
    fate: Fate = Fate.DETACHED
    blanked: tuple[str, ...] = ()
    exported: tuple[str, ...] = ()
    free_text: tuple[str, ...] = ()
    # Off, and the register has no word about it; empty where the activity says so, or where every lab has it.
    module: str = ""

    @property
    def purpose(self) -> Words:
        return self.activity.purpose

    @property
    def basis(self) -> Basis:
        return self.activity.basis


@dataclass(frozen=True, slots=True)
class Sweep:
    """Something the nightly purge does beyond the declarations. `run(now, is_dry)` returns how many it concerns."""

    name: str
    run: Callable[[dt.datetime, bool], int]


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why somebody cannot be erased yet, and what to do first."""

    code: str
    sentence: Words


Refuser = Callable[[Any, dt.datetime], list[Obstacle]]
Eraser = Callable[[Any, dt.datetime], None]
FilesOf = Callable[[Any], "list[tuple[str, Any]]"]

_refusers: list[Refuser] = []
_erasers: list[Eraser] = []
_files: list[FilesOf] = []
_sweeps: list[Sweep] = []
_foreign: dict[str, PersonalData] = {}
# Where a model of a library needs a declaration of ours: "app.Model".
Declarations = dict[str, PersonalData]


def refuses_erasure(function: Refuser) -> Refuser:
    """Register `function(person, now)`: every reason why they cannot be erased yet."""
    _refusers.append(function)
    return function


def erases(function: Eraser) -> Eraser:
    """Register `function(person, now)`, called within the erasure's transaction before the declarations are applied."""
    _erasers.append(function)
    return function


def gives_files(function: FilesOf) -> FilesOf:
    """Register `function(person)`: `(name in the archive, path on disk)` of the files that are theirs."""
    _files.append(function)
    return function


def sweeps(name: str) -> Callable[[Callable[[dt.datetime, bool], int]], Callable[[dt.datetime, bool], int]]:
    """Register `function(now, is_dry)` with the nightly purge, under this name in its log."""

    def register(function: Callable[[dt.datetime, bool], int]) -> Callable[[dt.datetime, bool], int]:
        _sweeps.append(Sweep(name, function))
        return function

    return register


def declare_foreign(declarations: Declarations) -> None:
    """Declare models that libraries bring."""
    _foreign.update(declarations)


def refusers() -> list[Refuser]:
    _load()
    return list(_refusers)


def erasers() -> list[Eraser]:
    _load()
    return list(_erasers)


def file_givers() -> list[FilesOf]:
    _load()
    return list(_files)


def more_sweeps() -> list[Sweep]:
    _load()
    return list(_sweeps)


def foreign_declarations() -> Declarations:
    _load()
    return dict(_foreign)


def _load() -> None:
    # As late as this: an app's `personal.py` imports models and services. Loaded once, then free.
    autodiscover_modules("personal")
