from printing.models.job import ACTIVE, JobState, PrintCommand, PrintJob, PrintJobEvent
from printing.models.print_file import PrintFile
from printing.models.printer import BackendKind, Printer

__all__ = [
    "ACTIVE",
    "BackendKind",
    "JobState",
    "PrintCommand",
    "PrintFile",
    "PrintJob",
    "PrintJobEvent",
    "Printer",
]
