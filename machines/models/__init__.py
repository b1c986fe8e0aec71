from machines.models.category import Category
from machines.models.external_calendar import ExternalCalendar
from machines.models.hours import OpeningException, OpeningHours, PeakHours, Season
from machines.models.house_rules import HouseRules, RulesSignature
from machines.models.induction import InductionRequest
from machines.models.machine import Attendance, BookingSettings, Machine, RiskLevel, Room, Unit
from machines.models.outage import Outage
from machines.models.policy import BookingPolicy
from machines.models.qualification import Qualification, QualificationGrant
from machines.models.shift import Shift
from machines.models.unit_part import UnitPart

__all__ = [
    "Attendance",
    "BookingPolicy",
    "BookingSettings",
    "Category",
    "ExternalCalendar",
    "HouseRules",
    "InductionRequest",
    "Machine",
    "OpeningException",
    "OpeningHours",
    "Outage",
    "PeakHours",
    "Qualification",
    "QualificationGrant",
    "RiskLevel",
    "Room",
    "RulesSignature",
    "Season",
    "Shift",
    "Unit",
    "UnitPart",
]
