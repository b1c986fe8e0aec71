"""“All the same”: the team sets a rule aside for once, with a reason that is kept. Never shown to anybody else."""

from collections.abc import Sequence
from dataclasses import dataclass

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from machines.models import Machine
from people.permissions import is_staff
from reservations.errors import ReservationRefused
from reservations.rule_names import names_of
from reservations.rules import MAY_BE_SET_ASIDE
from reservations.wishes import NOTHING_SET_ASIDE, SetAside

PRESSED = "all_the_same"


class ReasonForm(forms.Form):
    """Why, in words; whoever reads the reservation's history reads them."""

    why = forms.CharField(
        label=_("Why all the same?"),
        max_length=240,
        help_text=_("Kept in the history of the reservation, with your name."),
        error_messages={"required": _("Say why: whoever reads the history wants to know.")},
    )


@dataclass(frozen=True, slots=True)
class AllTheSame:
    """What the page offers: which rules, by code and by name, and the reason to be given."""

    codes: Sequence[str]
    names: Sequence[str]
    form: ReasonForm


def reason_given(request: HttpRequest, machine: Machine) -> ReasonForm | None:
    """The reason as it was sent; None where nothing is to be set aside.

    Raises:
        PermissionDenied: not of the team of the machine's site.
    """
    if request.method != "POST" or PRESSED not in request.POST:
        return None
    if not is_staff(request.user, machine):
        raise PermissionDenied
    return ReasonForm(request.POST)


def set_aside_by(request: HttpRequest, reason: ReasonForm | None) -> SetAside:
    """The rules that were named on the page, and no others: what has come up since is told first."""
    if reason is None or not reason.is_valid():
        return NOTHING_SET_ASIDE
    return SetAside(codes_named(request), reason.cleaned_data["why"])


def codes_named(request: HttpRequest) -> frozenset[str]:
    """The rules that the page named and the team may set aside."""
    return frozenset(code for code in request.POST.getlist("aside") if code in MAY_BE_SET_ASIDE)


def all_the_same(
    request: HttpRequest, machine: Machine, refusal: ReservationRefused, reason: ReasonForm | None
) -> AllTheSame | None:
    """The way past these rules, for the team of that site and where every one of them may be set aside."""
    if not refusal.may_be_set_aside or not is_staff(request.user, machine):
        return None
    # What was set aside a moment ago stays so beside what has come up since.
    before = codes_named(request) if reason is not None else frozenset()
    codes = sorted({*before, *(str(denial.code) for denial in refusal.denials)})
    return AllTheSame(codes, names_of(codes), reason or ReasonForm())
