"""Whether this lab can send mail at all: many have nobody who could, and must not promise it."""

from django.conf import settings

# These show a mail to whoever looks after the computer, or to nobody.
GOES_NOWHERE = frozenset(f"django.core.mail.backends.{kind}.EmailBackend" for kind in ("console", "dummy", "filebased"))


def sends_mail() -> bool:
    """Whether what is sent leaves the computer (the setting EMAIL_BACKEND)."""
    return settings.EMAIL_BACKEND not in GOES_NOWHERE
