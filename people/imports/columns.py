"""Which column of a list holds what, by the names people give them in French and in English. Pure."""

import re
from collections.abc import Sequence

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from people.models.person import sort_key

# Field → the words of its header; accents, case, dots and dashes do not count.
NAMES: dict[str, tuple[str, ...]] = {
    "first_name": ("prenom", "prenoms", "first name", "firstname", "given name", "forename"),
    "last_name": ("nom", "nom de famille", "nom d usage", "name", "last name", "lastname", "surname", "family name"),
    "birth_year": (
        "annee de naissance", "date de naissance", "naissance", "ne en", "ne le", "annee", "year of birth",
        "birth year", "date of birth", "birth date", "birthdate", "birthday", "born",
    ),
    "town": ("ville", "commune", "localite", "town", "city"),
    "phone": (
        "telephone", "tel", "numero de telephone", "telephone portable", "portable", "mobile", "phone", "phone number",
        "mobile phone",
    ),
    "contact_email": (
        "e mail", "email", "mail", "courriel", "adresse e mail", "adresse email", "adresse mail",
        "adresse electronique", "e mail address", "email address", "contact e mail",
    ),
    "guardian_name": (
        "responsable", "adulte responsable",
        "responsable legal", "nom du responsable", "representant legal", "parent", "responsible adult",
        "guardian", "guardian name", "name of the responsible adult",
    ),
    "guardian_phone": (
        "telephone du responsable", "telephone de l adulte responsable",
        "tel responsable", "tel du responsable", "telephone responsable",
        "telephone du parent", "guardian phone", "phone of the responsible adult", "responsible adult phone",
        "telephone of the responsible adult",
    ),
    "language": ("langue", "language"),
}  # fmt: skip
LABELS: dict[str, Promise] = {
    "first_name": _("first name"),
    "last_name": _("name"),
    "birth_year": _("year of birth"),
    "town": _("town"),
    "phone": _("telephone"),
    "contact_email": _("e-mail"),
    "guardian_name": _("responsible adult"),
    "guardian_phone": _("telephone of the responsible adult"),
    "language": _("language"),
}
_FIELD_OF = {name: field for field, names in NAMES.items() for name in names}


def fields_of(header: Sequence[str]) -> list[str]:
    """The field of each column, "" for one that is not understood or that comes a second time."""
    found: list[str] = []
    for cell in header:
        words = " ".join(re.findall(r"[a-z0-9]+", sort_key(cell)))
        field = _FIELD_OF.get(words, "")
        found.append("" if field in found else field)
    return found
