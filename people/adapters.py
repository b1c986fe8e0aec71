"""Where allauth's ideas of a user meet ours."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.utils.translation import get_language

from fablab.lib.references import card_code12
from people.models import Person


class AccountAdapter(DefaultAccountAdapter):
    """The username is a random card code; the contact e-mail is neither unique nor wanted."""

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
