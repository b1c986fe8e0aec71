"""Where allauth's ideas of a user meet ours."""

import time
from typing import Any

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from fablab.lib.outgoing_mail import sends_mail
from fablab.lib.references import card_code12
from people.lab import current_lab
from people.models import Person
from people.sign_in_log import name_in, note_locked_out, note_passkey_refused

# What allauth says when a name, an address or a second key was tried too often.
TOO_MANY = "too_many_login_attempts"
INCORRECT = "incorrect_code"


class AccountAdapter(DefaultAccountAdapter):
    """The username is a random card code; the contact e-mail is neither unique nor wanted."""

    # Our words where allauth's say “username”, or leave open how long “later” is.
    error_messages = DefaultAccountAdapter.error_messages | {
        TOO_MANY: _("Too many tries. Wait five minutes, then try again."),
        "rate_limited": _("Too many tries. Wait five minutes, then try again."),
        "username_password_mismatch": _("This card code and this password do not go together."),
        "email_password_mismatch": _("This e-mail address and this password do not go together."),
        "incorrect_password": _("This is not your password."),
        "enter_current_password": _("This is not your present password."),
        "email_taken": _("Somebody signs in with this e-mail address already."),
        "duplicate_email": _("This e-mail address is yours already."),
    }
    reauthentication_words = {
        "reauthenticate": _("With your password"),
        "mfa_reauthenticate": _("With a code"),
        "mfa_reauthenticate:webauthn": _("With a passkey"),
    }
    _tried = ""

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        self._tried = name_in(credentials)
        super().pre_authenticate(request, **credentials)

    def validation_error(self, code: str, *args: Any) -> ValidationError:
        if code == TOO_MANY:
            note_locked_out(context.request, self._tried)
        error: ValidationError = super().validation_error(code, *args)
        return error

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Whoever signed in a moment ago has just said who they are."""
        required: bool = super().is_reauthentication_required(app=app, **kwargs)
        return required and not _has_just_signed_in(context.request)

    def get_reauthentication_methods(self, user: Person | AnonymousUser) -> list[dict[str, Any]]:
        methods = super().get_reauthentication_methods(user)
        return [method | {"description": self.reauthentication_words[method["id"]]} for method in methods]

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return self.get_login_redirect_url(request)

    def should_send_confirmation_mail(self, request: HttpRequest, email_address: Any, signup: bool) -> bool:
        return sends_mail()

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        if sends_mail():
            super().send_mail(template_prefix, email, context)

    def populate_username(self, request: HttpRequest, user: Person) -> None:
        if not user.card_code:
            user.card_code = card_code12()

    def save_user(self, request: HttpRequest, user: Person, form: Any, commit: bool = True) -> Person:
        user.language = "en" if get_language() == "en" else "fr"
        saved: Person = super().save_user(request, user, form, commit=False)
        if not saved.card_code:
            saved.card_code = card_code12()
        saved.contact_email = form.cleaned_data.get("email") or ""
        if commit:
            saved.save()
        return saved


def _has_just_signed_in(request: HttpRequest) -> bool:
    records = get_authentication_records(request, request.user)
    return bool(records) and time.time() - records[-1]["at"] < app_settings.REAUTHENTICATION_TIMEOUT


class SecondKeyAdapter(DefaultMFAAdapter):
    """A passkey that is not accepted is written down: allauth sends no signal for it."""

    error_messages = DefaultMFAAdapter.error_messages | {
        INCORRECT: _("This code is not right, or it has changed meanwhile. Type the one you see now."),
        "cannot_delete_authenticator": _("The second key cannot be taken away."),
    }

    def get_totp_label(self, user: Person) -> str:
        return str(user)

    def get_totp_issuer(self) -> str:
        return current_lab().name or super().get_totp_issuer()

    def generate_authenticator_name(self, user: Person, type: Authenticator.Type) -> str:
        number = Authenticator.objects.filter(user=user, type=type).count() + 1
        return gettext("Passkey %(number)d") % {"number": number}

    def validation_error(self, code: str, *args: Any) -> ValidationError:
        match = context.request.resolver_match
        # Of every other second key the signal tells.
        if code == INCORRECT and match is not None and match.url_name == "mfa_login_webauthn":
            note_passkey_refused(context.request)
        error: ValidationError = super().validation_error(code, *args)
        return error
