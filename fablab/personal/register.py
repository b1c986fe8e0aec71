"""The register of what the lab does with data about people, made from the models' declarations."""

from dataclasses import dataclass

from django.db.models import Model

from fablab.lib.personal_data import Activity, Fate, PersonalData
from people.forgetting import declared
from people.models import Lab, Person


@dataclass(frozen=True, slots=True)
class Item:
    """One table: what it holds and how long."""

    model: str
    declaration: PersonalData

    @property
    def what(self) -> str:
        return str(self.declaration.what)

    @property
    def kept(self) -> str:
        return self.declaration.kept.sentence

    @property
    def is_deleted(self) -> bool:
        return self.declaration.fate == Fate.DELETED


@dataclass(frozen=True, slots=True)
class Entry:
    """One activity, with the tables it needs."""

    activity: Activity
    items: list[Item]

    @property
    def basis(self) -> str:
        return str(self.activity.basis.label)


def entries(lab: Lab) -> list[Entry]:
    """Every activity of the modules that are on, in the order in which an app and then its models declare them."""
    found: dict[str, Entry] = {}
    # The apps stand from right to left in the settings; people read about their file first.
    for model, declaration in sorted(declared(), key=lambda pair: _rank(pair[0])):
        activity = declaration.activity
        if any(module and not lab.has(module) for module in (activity.module, declaration.module)):
            continue
        entry = found.setdefault(activity.code, Entry(activity, []))
        entry.items.append(Item(model._meta.label, declaration))
    return list(found.values())


APPS = ("people", "reservations", "machines", "printing", "iot")


def _rank(model: type[Model]) -> tuple[int, bool]:
    label = model._meta.app_label
    return APPS.index(label) if label in APPS else len(APPS), model is not Person
