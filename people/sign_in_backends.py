"""Who is behind a session, read with what every page's frame asks about them: one query instead of four."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.backends import ModelBackend
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, IntegerField, OuterRef, Subquery
from django.db.models.functions import Coalesce, JSONObject
from django.utils import timezone

from people import lab
from people.models import Notice, Person, RoleGrant
from people.notices.inbox import keep_unread_count
from people.permissions import keep_roles


class _WithFrame:
    """`get_user` for both ways to sign in."""

    def get_user(self, user_id: int) -> Person | None:
        """The person with their roles and how many messages are new; None once they are gone or closed.

        Side effect: the lab's row is kept anew when it has run out.
        """
        roles = RoleGrant.objects.filter(person=OuterRef("pk")).values(pair=JSONObject(site="site_id", role="role"))
        unread = Notice.objects.unread().due(timezone.now()).filter(person=OuterRef("pk")).order_by()
        counted = Subquery(unread.values("person").annotate(n=Count("pk")).values("n"), output_field=IntegerField())
        rows: Any = Person.objects.annotate(role_pairs=ArraySubquery(roles), unread=Coalesce(counted, 0))
        stamp_ns = lab.due_stamp_ns()
        if stamp_ns is not None:
            rows = rows.annotate(**lab.columns())
        person: Person | None = rows.filter(pk=user_id, is_active=True).first()
        if person is not None:
            keep_roles(person, [(pair["site"], pair["role"]) for pair in person.role_pairs])  # type: ignore[attr-defined]
            keep_unread_count(person, person.unread)  # type: ignore[attr-defined]
            if stamp_ns is not None:
                lab.learn(person.lab_row, person.lab_has_site, stamp_ns)  # type: ignore[attr-defined]
        return person


class PersonBackend(_WithFrame, ModelBackend):
    """By password."""


class AddressBackend(_WithFrame, AuthenticationBackend):
    """By whatever the sign-in page takes: an address or a card code."""


BY_PASSWORD = f"{PersonBackend.__module__}.{PersonBackend.__qualname__}"
