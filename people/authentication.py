"""API tokens and what their scopes allow."""

from typing import TYPE_CHECKING, Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.utils.translation import gettext as _
from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from people.models import ApiToken
from people.models.token import Scope
from people.permissions import is_of_team

if TYPE_CHECKING:
    # Views load this module while they are being loaded themselves.
    from rest_framework.views import APIView


class ScopedTokenAuthentication(TokenAuthentication):
    """`Authorization: Token <key>`."""

    def authenticate_credentials(self, token: bytes) -> tuple[Any, Any]:
        """The person and the token.

        Raises:
            AuthenticationFailed: the key is unknown, expired, or no text at all; or its person is of the team and
                has no second key.
        """
        if not token.isascii():
            raise AuthenticationFailed(_("Invalid token."))
        person, row = super().authenticate_credentials(token)
        # A token made as a member must not carry the team's rights round the second key.
        if settings.STAFF_NEEDS_SECOND_FACTOR and is_of_team(person) and not _has_second_key(person):
            raise AuthenticationFailed(_("Add your second key first."))
        return person, row


def _has_second_key(person: Any) -> bool:
    return Authenticator.objects.filter(user=person).exclude(type=Authenticator.Type.RECOVERY_CODES).exists()


class SignedInOrReadOnlyWithScope(BasePermission):
    """Anyone reads what is public; writing needs a person, and with a token also the view's scope.

    A view names its `write_scope`, and `needs_person = True` when reading needs one too.
    """

    def has_permission(self, request: Request, view: "APIView") -> bool:
        is_read = request.method in SAFE_METHODS
        if not request.user or not request.user.is_authenticated:
            return (is_read and not getattr(view, "needs_person", False)) or getattr(view, "is_open", False)
        token: Any = request.auth
        if not isinstance(token, ApiToken):
            return True
        wanted = Scope.READ.value if is_read else getattr(view, "write_scope", Scope.MANAGE.value)
        return wanted in token.scopes
