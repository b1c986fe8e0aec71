"""The accounts a visitor of the demo may sign in with; shown on the first page in demo mode, and only there."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from people.models import Role

# Public on purpose, and long enough for the validators; `up` refuses to show the demo to other machines.
PASSWORD = "atelier-ouvert"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Account:
    """One way in. `role_words` is what the first page says of it."""

    email: str
    first_name: str
    last_name: str
    role: Role
    role_words: Promise
    password: str = PASSWORD


ACCOUNTS: tuple[Account, ...] = (
    Account("maker@demo.example", "Camille", "Roussel", Role.MEMBER, _("maker, qualified for 3D printing")),
    Account("newcomer@demo.example", "Idris", "Benali", Role.MEMBER, _("newcomer, no qualification yet")),
    Account("mediator@demo.example", "Solène", "Le Goff", Role.MEDIATOR, _("digital mediator")),
    Account("manager@demo.example", "Hugo", "Marchetti", Role.FAB_MANAGER, _("fab manager")),
    Account("admin@demo.example", "Anne", "Vasseur", Role.ADMINISTRATOR, _("administrator")),
)
MAKER, NEWCOMER, MEDIATOR, MANAGER, ADMINISTRATOR = ACCOUNTS
