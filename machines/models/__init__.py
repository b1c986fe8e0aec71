from machines.models.category import Category
from machines.models.hours import OpeningException, OpeningHours
from machines.models.machine import Attendance, BookingSettings, Machine, RiskLevel, Room, Unit
from machines.models.outage import Outage
from machines.models.qualification import Qualification, QualificationGrant

__all__ = [
    "Attendance",
    "BookingSettings",
    "Category",
    "Machine",
    "OpeningException",
    "OpeningHours",
    "Outage",
    "Qualification",
    "QualificationGrant",
    "RiskLevel",
    "Room",
    "Unit",
]
