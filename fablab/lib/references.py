"""Random public references: what stands in a private URL or on a card instead of a database key."""

import secrets

# No 0/O, 1/I/L, U/V: read aloud at a desk and typed by anyone.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTWXYZ"


def new_reference(length: int = 10) -> str:
    """A random reference; 10 letters of 29 give 4 × 10¹⁴ possibilities."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def reference10() -> str:
    """Default of a model's `reference`."""
    return new_reference(10)


def card_code12() -> str:
    """Default of a person's card code: longer, since it is a name to sign in with."""
    return new_reference(12)
