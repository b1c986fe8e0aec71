"""The forms of the second key: a code from an app, or a passkey."""

from typing import Any

from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm, EditWebAuthnForm
from django import forms
from django.utils.translation import gettext_lazy as _

from people.forms_sign_in import say


class CodeForm(AuthenticateForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        say(self, {"code": _("Code")})
        begin_at_code(self)


class CodeAgainForm(ReauthenticateForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        say(self, {"code": _("Code")})
        begin_at_code(self)


class FirstCodeForm(ActivateTOTPForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        say(self, {"code": _("The six digits that the app shows now")})
        self.fields["code"].widget.attrs["inputmode"] = "numeric"
        # Read first, then type; after a wrong code, straight to the field.
        if self.is_bound:
            begin_at_code(self)


class AddPasskeyForm(AddWebAuthnForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        say(self, {"name": _("What do you call it?"), "passwordless": _("Sign in with it alone, without the password")})
        self.fields["passwordless"].help_text = _("It then asks for your fingerprint, your face or its own PIN.")


class NamePasskeyForm(EditWebAuthnForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        say(self, {"name": _("What do you call it?")})


def begin_at_code(form: forms.Form) -> None:
    """The code is what the page is for: the keyboard begins there."""
    form.fields["code"].widget.attrs["autofocus"] = True
