"""The forms of sign-in, password and e-mail address, in our words: allauth's say “login”, “courriel” and “pseudo”."""

from collections.abc import Mapping
from typing import Any

from allauth.account import forms as allauth
from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from fablab.lib.outgoing_mail import sends_mail

NEW_PASSWORDS = {"password1": _("New password"), "password2": _("The new password once more")}


class ChangePasswordForm(allauth.ChangePasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        is_from_slip = self.user is not None and self.user.is_password_handed_out
        present = _("The password on your slip") if is_from_slip else _("Present password")
        say(self, {"oldpassword": present, **NEW_PASSWORDS})
        self.fields["oldpassword"].help_text = ""


class SetPasswordForm(allauth.SetPasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        say(self, NEW_PASSWORDS)


class ResetPasswordKeyForm(allauth.ResetPasswordKeyForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        say(self, NEW_PASSWORDS)


class ResetPasswordForm(allauth.ResetPasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        say(self, {"email": _("E-mail address")})

    def clean(self) -> dict[str, Any]:
        if not sends_mail():
            raise forms.ValidationError(_("This lab sends no e-mail: ask the team."), "no_mail")
        return self.cleaned_data


class AddEmailForm(allauth.AddEmailForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        say(self, {"email": _("E-mail address")})


class PasswordAgainForm(allauth.ReauthenticateForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        say(self, {"password": _("Password")})
        self.fields["password"].help_text = ""
        self.fields["password"].widget.attrs["autofocus"] = True


def say(form: forms.Form, labels: Mapping[str, str | Promise]) -> None:
    """Put our labels on a form, and leave no second label inside a field."""
    for name, label in labels.items():
        form.fields[name].label = label  # type: ignore[assignment]  # the stubs know a promise by another name
    for field in form.fields.values():
        field.widget.attrs.pop("placeholder", None)
