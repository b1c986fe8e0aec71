"""A password that somebody else made and wrote on a slip: it carries a mark until its person chooses their own."""

from typing import TYPE_CHECKING

from django.contrib.auth.hashers import PBKDF2PasswordHasher, make_password

from fablab.lib.references import new_reference

if TYPE_CHECKING:
    # The model asks this module about itself.
    from people.models.person import Person

ALGORITHM = "handed_out_pbkdf2_sha256"
GROUPS = 3


class HandedOutHasher(PBKDF2PasswordHasher):
    """As strong as the usual one. Its name is the mark: it goes with this very password, and no column is needed."""

    algorithm = ALGORITHM


def hand_out_password(person: "Person") -> str:
    """Save a new first password and return it, to be shown once; an earlier one stops working."""
    password = "-".join(new_reference(4) for _number in range(GROUPS)).lower()
    person.password = make_password(password, hasher=ALGORITHM)
    person.save(update_fields=["password"])
    return password


def has_handed_out_password(person: "Person") -> bool:
    """Whether the password is still the one from the slip. No query."""
    return person.password.startswith(f"{ALGORITHM}$")
