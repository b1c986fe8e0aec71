"""Secrets kept for later use (printers' keys), encrypted with a key that can be rotated."""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class SecretUnreadable(Exception):
    """The stored secret was made with a key this installation no longer has."""


def _box() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.FIELD_KEYS])


def seal(plain: str) -> str:
    """The text encrypted with the newest key; empty stays empty."""
    return _box().encrypt(plain.encode()).decode() if plain else ""


def unseal(sealed: str) -> str:
    """The text that `seal` was given.

    Raises:
        SecretUnreadable: no key fits.
    """
    if not sealed:
        return ""
    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise SecretUnreadable("No key of this installation opens the stored secret.") from None
