from people.models.idempotency import IdempotentRequest
from people.models.person import Person, Suspension
from people.models.role import STAFF_ROLES, Role, RoleGrant
from people.models.site import Site
from people.models.team import Team, TeamMembership
from people.models.token import ApiToken

__all__ = [
    "STAFF_ROLES",
    "ApiToken",
    "IdempotentRequest",
    "Person",
    "Role",
    "RoleGrant",
    "Site",
    "Suspension",
    "Team",
    "TeamMembership",
]
