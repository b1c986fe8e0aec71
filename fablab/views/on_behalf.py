"""For whom a page acts: oneself, somebody the team knows, or an anonymous ticket. `?for=` carries it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import urlencode

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
from reservations.next_steps import NextStep, RefusedPerson, next_step_of

TICKET = "ticket"
# What choosing a machine and a time is carried by, from step to step.
CHOSEN = ("machine", "day", "start", "end", "start_at", "end_at", "moving", "for", "team", "any")


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


def sentences(
    request: HttpRequest, denials: Iterable[Denial], holder: Person | None, machine: Machine | None = None
) -> list[Sentence]:
    """The refusals as the reader is told them: “you”, or the name of the person for whom they asked; of a machine,
    each with the way on where there is one."""
    if holder is None:
        return [sentence_of(denial) for denial in denials]
    is_about = is_about_another(request, holder)
    said = [(denial, sentence_about(denial, holder) if is_about else sentence_of(denial)) for denial in denials]
    if machine is None:
        return [sentence for _denial, sentence in said]
    refused = RefusedPerson(machine, holder, is_told_to_team=is_about)
    return [replace(sentence, way=_way_and_back(request, denial, refused)) for denial, sentence in said]


def _way_and_back(request: HttpRequest, denial: Denial, refused: RefusedPerson) -> NextStep | None:
    """The way on, which leads back to where they were refused."""
    step = next_step_of(denial, refused)
    if step is None or not step.url:
        return step
    return replace(step, url=f"{step.url}?{urlencode({'next': _here(request)})}")


def _here(request: HttpRequest) -> str:
    """The page, as it can be read again: of a form that was sent, with what was chosen."""
    if request.method != "POST":
        return request.get_full_path()
    kept = {name: request.POST[name] for name in CHOSEN if request.POST.get(name)}
    return f"{request.path}?{urlencode(kept)}"
