"""A notice as an e-mail, through whatever backend of Django the lab uses."""

import smtplib
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.urls import reverse
from django.utils.translation import gettext

from fablab.lib.outgoing_mail import sends_mail
from people.lab import current_lab
from people.models import Notice
from people.notices.kinds import Words

ANSWERS_WITHIN_S = 20
# RFC 5321: what begins with 5 will be refused as often as it is sent.
FOR_GOOD = 500


class NotSent(Exception):
    """It did not go. `why` names no person; `is_final`: to try again is of no use."""

    def __init__(self, why: str, *, is_final: bool = False) -> None:
        super().__init__(why)
        self.why, self.is_final = why, is_final


class Mailer:
    """One connection for all that goes now, opened by the first."""

    def __init__(self) -> None:
        self._connection: Any = None

    def send(self, notice: Notice, words: Words) -> None:
        """Send it to the person's address, in the language that is active.

        Raises:
            NotSent: the backend could not; the next one opens the connection anew.
        """
        address = notice.person.contact_email
        if not address or not sends_mail():
            # Into the log of a lab that sends none, it would be told to whoever reads that.
            raise NotSent("no_address" if not address else "no_mail_here", is_final=True)
        subject, text = " ".join(words.subject.split()), text_of(notice, words)
        try:
            if self._connection is None:
                self._connection = get_connection(timeout=ANSWERS_WITHIN_S)
                self._connection.open()
            letter = EmailMessage(
                subject, text, to=[address], connection=self._connection,
                # RFC 3834: nobody's holiday notice answers it.
                headers={"Auto-Submitted": "auto-generated"},
            )  # fmt: skip
            taken = letter.send()
        except Exception as trouble:  # noqa: BLE001 (each backend has errors of its own; the others must still go)
            self.close()
            # Its message may hold the address: only its name is kept.
            raise NotSent(type(trouble).__name__, is_final=_is_final(trouble)) from None
        if not taken:
            raise NotSent("not_taken")

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except (OSError, smtplib.SMTPException):
                return


def text_of(notice: Notice, words: Words) -> str:
    """What the letter says: the words, where to go on, and how to get fewer of them."""
    lab = current_lab().name or settings.LAB_NAME
    parts = [words.body]
    if notice.link:
        parts.append(f"{settings.PUBLIC_URL}{notice.link}")
    settle = gettext("Which messages you get by e-mail is yours to choose:")
    parts.append(f"{lab}\n{settle} {settings.PUBLIC_URL}{reverse('me-notices')}")
    return "\n\n".join(parts) + "\n"


def _is_final(trouble: Exception) -> bool:
    if isinstance(trouble, smtplib.SMTPRecipientsRefused):
        return all(code >= FOR_GOOD for code, _said in trouble.recipients.values())
    return False
