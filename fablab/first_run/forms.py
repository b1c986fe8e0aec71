"""What each question takes in; the shape only."""

import datetime as dt
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from fablab.first_run.rooms import names_in
from machines.machine_lists import MOST_BYTES, MOST_LETTERS
from machines.models.hours import Weekday
from people.forms_settings import NEAR_ZONES, countries
from people.models import Person, Role

MOST_ROOMS = 60
NO_COUNTRY = "other"
ALL_ZONES = sorted(available_timezones())
ROLES = (
    (Role.MEDIATOR, _("Digital mediator: welcomes people, reserves and checks in for them")),
    (Role.SUPERVISOR, _("Supervisor: stands by at the machines, and welcomes people")),
    (Role.FAB_MANAGER, _("Fab manager: changes machines, rules and hours too")),
    (Role.ADMINISTRATOR, _("Administrator: may do everything here, as you may")),
)


class AdministratorForm(forms.Form):
    """The first person. Once they exist, an empty password is the one they have."""

    first_name = forms.CharField(
        label=_("First name"), max_length=80, widget=forms.TextInput({"autocomplete": "given-name", "autofocus": True})
    )
    last_name = forms.CharField(
        label=_("Name"), max_length=80, required=False, widget=forms.TextInput({"autocomplete": "family-name"})
    )
    email = forms.EmailField(
        label=_("E-mail"), required=False, widget=forms.EmailInput({"autocomplete": "username", "inputmode": "email"})
    )
    password = forms.CharField(
        label=_("Password"),
        help_text=_("At least 10 characters. A sentence is easy to remember and hard to guess."),
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )
    examples = {
        "email": _("You sign in with it, as in ada@example.org. Without one you get a code, which you sign in with."),
    }

    def __init__(self, *args: Any, person: Person | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if person is not None:
            self.fields["password"].required = False
            self.fields["password"].help_text = _("Leave it empty to keep the one you chose.")

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        if password:
            names = {name: self.cleaned_data.get(name, "") for name in ("first_name", "last_name")}
            person = Person(contact_email=self.cleaned_data.get("email", ""), **names)
            password_validation.validate_password(password, person)
        return password


class PlaceForm(forms.Form):
    """A country that we know no holidays of is kept as none at all."""

    name = forms.CharField(
        label=_("Name of the place"),
        max_length=120,
        widget=forms.TextInput({"autocomplete": "organization", "autofocus": True}),
    )
    address = forms.CharField(
        label=_("Address"), max_length=240, required=False, widget=forms.TextInput({"autocomplete": "street-address"})
    )
    holiday_country = forms.ChoiceField(label=_("Country"), initial="FR")
    time_zone = forms.ChoiceField(label=_("Time zone"), initial="Europe/Paris")
    examples = {
        "name": _("As people say it: “Fablab des Halles”. It stands at the top of every page."),
        "address": _("12 rue des Halles, 37000 Tours. It is shown beside your opening hours."),
        "holiday_country": _("On its public holidays you are closed, unless you say otherwise later."),
        "time_zone": _("The nearest large city of your country: all times are those of its clocks."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        near, others = ([(name, name.replace("_", " ")) for name in zones] for zones in (NEAR_ZONES, ALL_ZONES))
        none = (NO_COUNTRY, _("Another country"))
        self.fields["holiday_country"].choices = [*countries(get_language() or "fr"), none]  # type: ignore[attr-defined]
        self.fields["time_zone"].choices = [(_("Near"), near), (_("All"), others)]  # type: ignore[attr-defined]

    def clean_holiday_country(self) -> str:
        code: str = self.cleaned_data["holiday_country"]
        return "" if code == NO_COUNTRY else code


class HoursForm(forms.Form):
    days = forms.TypedMultipleChoiceField(
        label=_("Days"),
        coerce=int,
        choices=Weekday.choices,
        initial=[2, 3, 4, 5, 6],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Tick at least one day, or choose “I do not know yet”.")},
    )
    opens = forms.TimeField(label=_("Opens at"), initial=dt.time(10))
    closes = forms.TimeField(label=_("Closes at"), initial=dt.time(18))
    examples = {"closes": _("Midnight is 00:00.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("opens", "closes"):
            self.fields[name].widget = forms.TimeInput({"type": "time", "step": 300}, format="%H:%M")


class RoomsForm(forms.Form):
    names = forms.CharField(
        label=_("One room a line"),
        required=False,
        widget=forms.Textarea({"rows": 6, "autofocus": True, "spellcheck": "false"}),
    )
    examples = {
        "names": _(
            "Workshop, 3D printing, Computer room: as the signs on the doors say. "
            "A room can be reserved by the team, with or without its machines."
        )
    }

    def clean_names(self) -> list[str]:
        names = names_in(self.cleaned_data["names"])
        if len(names) > MOST_ROOMS:
            raise ValidationError(_("These are too many rooms: at most %(most)d."), params={"most": MOST_ROOMS})
        for name in names:
            if len(name) > MOST_LETTERS:
                raise ValidationError(
                    _("“%(name)s” is too long: at most %(most)d letters."),
                    params={"name": f"{name[:30]}…", "most": MOST_LETTERS},
                )
        return names


class MachineListForm(forms.Form):
    """A pasted list, or a file; the file wins."""

    text = forms.CharField(
        label=_("Your list"),
        required=False,
        strip=False,
        max_length=MOST_BYTES,
        widget=forms.Textarea({"rows": 8, "spellcheck": "false", "wrap": "off"}),
    )
    file = forms.FileField(
        label=_("Or a file"),
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput({"accept": ".csv,.txt,.tsv,text/csv,text/plain"}),
    )
    examples = {
        "text": _("Prusa MK4 · 1; 3D printer; Workshop"),
        "file": _("In a spreadsheet: File, Save as, CSV. Columns: name, kind, room."),
    }


class TeamMemberForm(forms.Form):
    first_name = forms.CharField(label=_("First name"), max_length=80)
    last_name = forms.CharField(label=_("Name"), max_length=80, required=False)
    email = forms.EmailField(label=_("E-mail"), required=False)
    role = forms.ChoiceField(
        label=_("What do they do?"), choices=ROLES, initial=Role.MEDIATOR.value, widget=forms.RadioSelect
    )
    examples = {"email": _("For those who have one: they may sign in with it instead of the code on their card.")}
