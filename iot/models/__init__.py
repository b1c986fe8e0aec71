from iot.models.device import Device, DeviceBoot, DriverKind, EnrolmentCode
from iot.models.inbox import InboxMessage, QuarantinedMessage
from iot.models.reading import Reading, ReadingKind
from iot.models.usage import ReportedState, StopReason, UsageSession, UseState

__all__ = [
    "Device",
    "DeviceBoot",
    "DriverKind",
    "EnrolmentCode",
    "InboxMessage",
    "QuarantinedMessage",
    "Reading",
    "ReadingKind",
    "ReportedState",
    "StopReason",
    "UsageSession",
    "UseState",
]
