from people.models.access import AccessCode, Erasure, FileAccess, Kiosk
from people.models.badge import Badge
from people.models.group import GroupMembership, PersonGroup
from people.models.household import Household
from people.models.idempotency import IdempotentRequest
from people.models.import_run import ImportRun
from people.models.lab import Lab, Module
from people.models.notice import Channel, Delivery, Notice, NoticePreference
from people.models.person import Person, Suspension
from people.models.role import MANAGER_ROLES, STAFF_ROLES, Role, RoleGrant
from people.models.site import Site
from people.models.team import Team, TeamMembership
from people.models.token import ApiToken
from people.models.visit import AgeBand, Visit

__all__ = [
    "MANAGER_ROLES",
    "STAFF_ROLES",
    "AccessCode",
    "AgeBand",
    "ApiToken",
    "Badge",
    "Channel",
    "Delivery",
    "Erasure",
    "FileAccess",
    "GroupMembership",
    "Household",
    "IdempotentRequest",
    "ImportRun",
    "Kiosk",
    "Lab",
    "Module",
    "Notice",
    "NoticePreference",
    "Person",
    "PersonGroup",
    "Role",
    "RoleGrant",
    "Site",
    "Suspension",
    "Team",
    "TeamMembership",
    "Visit",
]
