"""The shape of what confirms that somebody is to be made anonymous."""

from typing import Any

from django import forms
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _

from people.models import Person
from people.models.person import sort_key


class EraseSelfForm(forms.Form):
    """The password; the card's code for those who have none."""

    proof = forms.CharField(label=_("Your password"), widget=forms.PasswordInput, max_length=200)

    def __init__(self, *args: Any, person: Person, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person
        self.fields["proof"].widget.attrs["autocomplete"] = "current-password"
        if not person.has_usable_password():
            self.fields["proof"].label = _("The code on your card")
            self.fields["proof"].widget = forms.TextInput(attrs={"autocomplete": "off", "class": "form-control"})

    def clean_proof(self) -> str:
        proof = str(self.cleaned_data["proof"])
        if self.person.has_usable_password():
            if not self.person.check_password(proof):
                raise forms.ValidationError(_("This is not your password. Try again."))
        elif not constant_time_compare(proof.replace(" ", "").upper(), self.person.card_code.upper()):
            raise forms.ValidationError(_("This is not the code on your card. Look at the card, then try again."))
        return proof


class ErasePersonForm(forms.Form):
    """The person's name once more: it cannot be undone."""

    name = forms.CharField(label=_("Type the person's name to confirm"), max_length=200)

    def __init__(self, *args: Any, person: Person, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person
        self.fields["name"].widget.attrs["autocomplete"] = "off"

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        # Accents and capitals are not what is asked.
        if sort_key(" ".join(name.split())) != sort_key(str(self.person)):
            raise forms.ValidationError(_("This is not the name on the file: %(name)s.") % {"name": self.person})
        return name
