"""“Any of this model”: what the reserve pages offer where several machines are the same."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest

from fablab.lib.queries import query_word
from machines.models import Machine
from machines.selectors import machines_of_model


@dataclass(frozen=True, slots=True)
class ModelOffer:
    """A model of which the place has several; the machine stands for all of them in the address."""

    machine: Machine
    count: int


def models_of(machines: Sequence[Machine]) -> list[ModelOffer]:
    """The models of which a site has several, in the machines' order. No query."""
    found: dict[tuple[int, str], list[Machine]] = defaultdict(list)
    for machine in machines:
        if machine.model_name:
            found[machine.unit.site_id, machine.model_name].append(machine)
    return [ModelOffer(same[0], len(same)) for same in found.values() if len(same) > 1]


def twins_wanted(request: HttpRequest, machine: Machine) -> list[Machine]:
    """All of the model, when `any` asks for any of them and there are several; else nothing."""
    data = request.POST if request.method == "POST" else request.GET
    if query_word(data, "any") != "1" or not machine.model_name:
        return []
    same = machines_of_model(machine)
    return same if len(same) > 1 else []
