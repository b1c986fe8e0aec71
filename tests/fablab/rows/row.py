"""One address in the table of who may read and write it."""

from dataclasses import dataclass, field

# Columns as in ROLES: anonymous, visitor, holder, other member, supervisor, mediator, manager of another site,
# manager, administrator.
ALL_200 = "200 200 200 200 200 200 200 200 200"
ALL_302 = "302 302 302 302 302 302 302 302 302"
ALL_404 = "404 404 404 404 404 404 404 404 404"
ALL_405 = "405 405 405 405 405 405 405 405 405"
SIGNED_IN = "302 200 200 200 200 200 200 200 200"
SIGNED_IN_405 = "302 405 405 405 405 405 405 405 405"
TEAM = "302 403 403 403 200 200 200 200 200"
TEAM_THERE = "302 403 403 403 200 200 403 200 200"
MANAGERS = "302 403 403 403 403 403 200 200 200"
MANAGERS_THERE = "302 403 403 403 403 403 403 200 200"
OWN = "302 404 200 404 200 200 404 200 200"
OWN_DONE = "302 404 302 404 302 302 404 302 302"


@dataclass(frozen=True)
class Row:
    """What an address answers to reading and writing; `args`, `data` and `query` are filled from the lab."""

    name: str
    get: str
    post: str
    args: tuple[str, ...] = ()
    data: dict[str, str] = field(default_factory=dict)
    query: str = ""
    variant: str = ""
