"""A person's own files: printed once more, or given up."""

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext as _

from fablab.lib.denials import Denial
from machines.models import Machine
from people.errors import NotAllowed
from people.models import Person
from printing.errors import PrintingError, PrintRefused
from printing.file_removal import GONE_SHA256, give_up_content
from printing.models import Printer, PrintFile, PrintJob
from printing.models.job import ENDED
from printing.policy import file_denials
from printing.rules import Code
from printing.submitting import check_may_draft, draft_job


class FileNeeded(PrintingError):
    """A print of this file has not ended."""


class FileGone(PrintingError):
    """Its content was given up meanwhile."""


def print_again(*, file: PrintFile, machine: Machine, by: Person, now: dt.datetime) -> PrintJob:
    """A new draft of a file that the person sent before.

    Raises:
        NotAllowed: somebody else sent it.
        FileGone: its content was given up.
        PrintRefused: the machine takes no files, or not this one; or too many drafts wait.
    """
    _check_own(file, by)
    check_may_draft(machine=machine, person=by, is_kept=True)
    printer = Printer.objects.select_related("spool").filter(machine=machine, is_enabled=True).first()
    if printer is None:
        raise PrintRefused([Denial(Code.NO_PRINTER)])
    if denials := file_denials(file, printer):
        raise PrintRefused(denials)
    with transaction.atomic():
        # Until the draft is there, nobody gives the content up.
        fresh = PrintFile.objects.select_for_update(no_key=True).get(pk=file.pk)
        if fresh.sha256 == GONE_SHA256:
            raise FileGone("The content was given up.")
        return draft_job(file=fresh, machine=machine, person=by, by=by, now=now)


def drop_file(*, file: PrintFile, by: Person) -> None:
    """Give up a file, and every copy of it that the person sent. What was printed of it stays in their list, by name.

    Raises:
        NotAllowed: somebody else sent it.
        FileNeeded: a print of it has not ended.
    """
    _check_own(file, by)
    with transaction.atomic():
        copies = PrintFile.objects.filter(uploaded_by=by, sha256=file.sha256).exclude(sha256=GONE_SHA256)
        keys = [row.pk for row in copies.select_for_update(of=("self",)).order_by("pk")]
        if PrintJob.objects.filter(file__in=keys).exclude(state__in=sorted(ENDED)).exists():
            raise FileNeeded("A print of it has not ended.")
        give_up_content(PrintFile.objects.filter(pk__in=keys))
        PrintFile.objects.filter(pk__in=keys, jobs=None).delete()


def _check_own(file: PrintFile, by: Person) -> None:
    if file.uploaded_by_id != by.pk:
        raise NotAllowed("not_yours", _("This file is somebody else’s."))
