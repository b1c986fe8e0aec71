"""Settings from the environment, read by type; nonsense is refused with the accepted form."""

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE_WORDS = {"1", "true", "yes", "on"}
FALSE_WORDS = {"0", "false", "no", "off", ""}


def text(name: str, default: str = "") -> str:
    """The variable without blanks around it."""
    return os.environ.get(name, default).strip()


def flag(name: str, default: bool = False) -> bool:
    """Yes or no, in any of TRUE_WORDS and FALSE_WORDS; set but empty is no.

    Raises:
        ImproperlyConfigured: another word.
    """
    raw = os.environ.get(name)
    if raw is None:
        return default
    word = raw.strip().lower()
    if word in TRUE_WORDS | FALSE_WORDS:
        return word in TRUE_WORDS
    raise ImproperlyConfigured(f"{name}={raw!r} is not yes or no. Write {name}=1 or {name}=0.")


def integer(name: str, default: int, *, least: int, most: int) -> int:
    """A whole number from `least` to `most`; empty is the default.

    Raises:
        ImproperlyConfigured: not a number, or outside.
    """
    raw = os.environ.get(name)
    if raw is None or not raw.strip():
        return default
    try:
        value = int(raw)
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        raise ImproperlyConfigured(f"{name}={raw!r} is not accepted. Write a whole number from {least} to {most}.")
    return value


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list, blanks removed."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def path(name: str, default: Path) -> Path:
    """An absolute path; `~` is the account's home."""
    raw = text(name)
    return Path(raw).expanduser().resolve() if raw else default


def postgres_url(name: str, raw: str) -> dict[str, object]:
    """Django's DATABASES entry for postgresql://user:password@host:port/database.

    A host that is a percent-encoded folder means the Unix socket in it.

    Raises:
        ImproperlyConfigured: the scheme, the port or the database name is missing or wrong.
    """
    accepted = f"Write {name}=postgresql://user:password@host:5432/database."
    parts = urlsplit(raw)
    if parts.scheme not in ("postgres", "postgresql"):
        raise ImproperlyConfigured(f"{name} does not name a PostgreSQL database. {accepted}")
    try:
        port = parts.port
    except ValueError:
        raise ImproperlyConfigured(f"{name} has a port that is not a number. {accepted}") from None
    database = unquote(parts.path.lstrip("/"))
    if not database:
        raise ImproperlyConfigured(f"{name} names no database. {accepted}")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": database,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or "") if "%2F" not in parts.netloc.upper() else _socket_folder(parts.netloc),
        "PORT": str(port or ""),
    }


def _socket_folder(netloc: str) -> str:
    # urlsplit lower-cases the host; a folder's name must keep its case.
    host = netloc.rpartition("@")[2]
    return unquote(host.partition(":")[0])
