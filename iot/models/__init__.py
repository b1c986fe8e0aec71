from iot.models.access import (
    AccessAttempt,
    AccessSession,
    BadgeMark,
    BadgeWanted,
    MachineAccess,
    StartCode,
)
from iot.models.command import DeviceCommand
from iot.models.device import Device, DeviceBoot, DriverKind, EnrolmentCode
from iot.models.inbox import InboxMessage, QuarantinedMessage
from iot.models.reading import Reading, ReadingKind
from iot.models.rollup import ReadingHour, ReadingMinute, RolledUp
from iot.models.seen import SeenDevice
from iot.models.usage import ReportedState, StopReason, UsageSession, UseState

__all__ = [
    "AccessAttempt",
    "AccessSession",
    "BadgeMark",
    "BadgeWanted",
    "Device",
    "DeviceBoot",
    "DeviceCommand",
    "DriverKind",
    "EnrolmentCode",
    "InboxMessage",
    "MachineAccess",
    "QuarantinedMessage",
    "Reading",
    "ReadingHour",
    "ReadingKind",
    "ReadingMinute",
    "ReportedState",
    "RolledUp",
    "SeenDevice",
    "StartCode",
    "StopReason",
    "UsageSession",
    "UseState",
]
