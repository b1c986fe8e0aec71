from printing.models.file_layers import FileLayers
from printing.models.intervention import Intervention
from printing.models.job import ACTIVE, JobState, Outcome, PrintJob, Why
from printing.models.job_events import PrintCommand, PrintJobEvent
from printing.models.key_request import KeyRequest
from printing.models.other_print import OtherPrint
from printing.models.print_file import FileKind, PrintFile
from printing.models.printer import Answer, BackendKind, Printer
from printing.models.sent_file import SentFile
from printing.models.spool import PrintPrice, Spool, SpoolEntry

__all__ = [
    "ACTIVE",
    "Answer",
    "BackendKind",
    "FileKind",
    "FileLayers",
    "Intervention",
    "JobState",
    "KeyRequest",
    "OtherPrint",
    "Outcome",
    "PrintCommand",
    "PrintFile",
    "PrintJob",
    "PrintJobEvent",
    "PrintPrice",
    "Printer",
    "SentFile",
    "Spool",
    "SpoolEntry",
    "Why",
]
