"""For whom a page acts: oneself, somebody the team knows, or an anonymous ticket. `?for=` carries it."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from fablab.lib.denials import Denial
from fablab.lib.queries import query_word
from machines.models import Machine
from people.lab import current_lab
from people.models import Module, Person
from people.permissions import is_staff
from people.selectors import people_of
from reservations.messages import Sentence, sentence_of
from reservations.messages_about import sentence_about

TICKET = "ticket"


@dataclass(frozen=True, slots=True)
class Whom:
    """`person` is None for a ticket, and for a visitor who has not signed in. `key` is what `?for=` holds."""

    key: str
    person: Person | None

    @property
    def is_other(self) -> bool:
        return bool(self.key)

    @property
    def is_ticket(self) -> bool:
        return self.key == TICKET


def whom(request: HttpRequest, machine: Machine | None = None) -> Whom:
    """For whom this request is; for others only by the team of the machine's site.

    Raises:
        PermissionDenied: not of that team.
        Http404: nobody they know has this reference, or a ticket in a lab without a desk.
    """
    key = query_word(request.POST, "for") or query_word(request.GET, "for")
    user = request.user if isinstance(request.user, Person) else None
    if not key:
        return Whom("", user)
    if user is None or not is_staff(user, machine):
        raise PermissionDenied
    if key == TICKET and not current_lab().has(Module.DESK):
        raise Http404
    if key == TICKET:
        return Whom(TICKET, None)
    person = get_object_or_404(people_of(user), reference=key)
    return Whom(person.reference, person)


def is_about_another(request: HttpRequest, holder: Person | None) -> bool:
    """Whether what stands in the way is read by the team, not by the person whom it concerns."""
    return holder is not None and holder.pk != request.user.pk


def sentences(request: HttpRequest, denials: Iterable[Denial], holder: Person | None) -> list[Sentence]:
    """The refusals as the reader is told them: “you”, or the name of the person for whom they asked."""
    if holder is not None and is_about_another(request, holder):
        return [sentence_about(denial, holder) for denial in denials]
    return [sentence_of(denial) for denial in denials]
