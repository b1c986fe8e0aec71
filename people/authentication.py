"""API tokens and what their scopes allow."""

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from people.models import ApiToken
from people.models.token import Scope

if TYPE_CHECKING:
    # Views load this module while they are being loaded themselves.
    from rest_framework.views import APIView


class ScopedTokenAuthentication(TokenAuthentication):
    """`Authorization: Token <key>`."""

    def authenticate_credentials(self, token: bytes) -> tuple[Any, Any]:
        """The person and the token.

        Raises:
            AuthenticationFailed: the key is unknown, expired, or no text at all.
        """
        if not token.isascii():
            raise AuthenticationFailed(_("Invalid token."))
        return super().authenticate_credentials(token)


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
