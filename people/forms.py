from collections.abc import Iterable
from typing import Any

from allauth.account.forms import LoginForm as AllauthLoginForm
from allauth.account.forms import SignupForm as AllauthSignupForm
from django import forms
from django.utils.translation import gettext_lazy as _

from people.forms_sign_in import say
from people.models.token import Scope


class LoginForm(AllauthLoginForm):
    """An e-mail address or the code on the card, and a password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        labels = {
            "login": _("E-mail, or the code on your card"),
            "password": _("Password"),
            "remember": _("Stay signed in on this device"),
        }
        say(self, labels)
        # The page has its own link to it, in our words.
        self.fields["password"].help_text = ""


class SignupForm(AllauthSignupForm):
    first_name = forms.CharField(label=_("First name"), max_length=80)
    last_name = forms.CharField(label=_("Name"), max_length=80, required=False)
    field_order = ["first_name", "last_name", "email", "password1"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        say(self, {"email": _("E-mail address"), "password1": _("Password")})


class TokenForm(forms.Form):
    name = forms.CharField(label=_("What is it for?"), max_length=80)
    scopes = forms.MultipleChoiceField(
        label=_("What may it do?"),
        choices=Scope.choices,
        widget=forms.CheckboxSelectMultiple,
        initial=[Scope.READ.value],
    )

    def __init__(self, *args: Any, scopes: Iterable[str] = tuple(Scope), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["scopes"]
        field.choices = [choice for choice in Scope.choices if choice[0] in scopes]
