"""The shape of what is written about people and teams. What may be kept is asked by the services."""

import datetime as dt
from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from fablab.lib.day_fields import DayField
from people.errors import PeopleError
from people.models import Person, Role, Site

Examples = dict[str, "str | Promise"]
# Nobody born before is alive; after, it is a slip.
EARLIEST_YEAR, LATEST_YEAR = 1900, 2100
NO_YEAR = _("Write the year in four figures, like 1950.")


class RefusableForm(forms.Form):
    """A form to which a service's refusal comes back, beside the field that it is about."""

    examples: ClassVar[Examples] = {}

    def refuse(self, error: PeopleError) -> None:
        field = getattr(error, "field", "")
        self.add_error(field if field in self.fields else None, str(error.sentence))


def _year_field(**settings: Any) -> forms.IntegerField:
    widget = forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "maxlength": 4})
    return forms.IntegerField(
        label=_("Year of birth"), required=False, min_value=EARLIEST_YEAR, max_value=LATEST_YEAR, widget=widget,
        error_messages={"min_value": NO_YEAR, "max_value": NO_YEAR, "invalid": NO_YEAR}, **settings,
    )  # fmt: skip


def _phone_field(label: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=40, required=False, widget=forms.TextInput(attrs={"type": "tel"}))


class SiteChoice(RefusableForm):
    """Asks at which site only when there are several."""

    def __init__(self, *args: Any, sites: Iterable[Site], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sites = {site.slug: site for site in sites}
        if len(self.sites) > 1:
            choices = [(slug, site.name) for slug, site in self.sites.items()]
            self.fields["site"] = forms.ChoiceField(label=_("Place"), choices=choices)

    @property
    def site(self) -> Site | None:
        """The one chosen, or the only one; None when there is none."""
        return self.sites.get(self.cleaned_data.get("site", "")) or next(iter(self.sites.values()), None)


class NewPersonForm(SiteChoice):
    """Four fields. The responsible adult is asked when the year of birth is that of somebody under 18."""

    first_name = forms.CharField(label=_("First name"), max_length=80)
    last_name = forms.CharField(label=_("Name"), max_length=80, required=False)
    birth_year = _year_field(help_text=_("Four digits, like 1950."))
    town = forms.CharField(label=_("Town"), max_length=80, required=False)

    def __init__(self, *args: Any, adults: Iterable[Person] | None = None, **kwargs: Any) -> None:
        """With `adults` (on file, under the name written) the responsible adult is asked too."""
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs.setdefault("autocomplete", "off")
        self.adults = {person.reference: person for person in adults or ()}
        if adults is not None:
            self.fields["guardian_name"] = forms.CharField(label=_("Responsible adult: name"), max_length=120)
            self.fields["guardian_phone"] = _phone_field(_("Responsible adult: telephone"))
        if self.adults:
            nobody = ("", _("None of these: the name and telephone above"))
            known = [(ref, described(person)) for ref, person in self.adults.items()]
            self.fields["guardian"] = forms.ChoiceField(
                label=_("Is it somebody on file?"), choices=[*known, nobody], required=False,
                widget=forms.RadioSelect,
            )  # fmt: skip

    @property
    def facts(self) -> dict[str, Any]:
        """What the registration wants, beside the site."""
        given = {name: value for name, value in self.cleaned_data.items() if name not in ("site", "guardian")}
        guardian = self.adults.get(self.cleaned_data.get("guardian", ""))
        if guardian is not None:
            given |= {"guardian": guardian, "guardian_name": "", "guardian_phone": ""}
        return given


def described(person: Person) -> str:
    """“Marie Martin, 1980, Nantes”: enough to know whom one chooses."""
    facts = (str(person), str(person.birth_year or ""), person.town)
    return ", ".join(fact for fact in facts if fact)


class ContactForm(RefusableForm):
    first_name = forms.CharField(label=_("First name"), max_length=80, required=False)
    last_name = forms.CharField(label=_("Name"), max_length=80, required=False)
    birth_year = _year_field(help_text=_("Four digits, like 1950."))
    town = forms.CharField(label=_("Town"), max_length=80, required=False)
    phone = _phone_field(_("Telephone"))
    contact_email = forms.EmailField(label=_("E-mail to write to"), required=False)
    language = forms.ChoiceField(label=_("Language"), choices=Person.Language.choices)

    examples: ClassVar[Examples] = {
        "contact_email": _("Several people may share it, like a family. It does not sign them in: that is on its own."),
        "language": _("What we print and send is in this language. On the screen each person chooses."),
    }


class GuardianForm(RefusableForm):
    guardian_name = forms.CharField(label=_("Name"), max_length=120)
    guardian_phone = _phone_field(_("Telephone"))


class EmailForm(RefusableForm):
    email = forms.EmailField(label=_("E-mail address to sign in with"))

    examples: ClassVar[Examples] = {
        "email": _("An address of their own, that only they read: whoever reads it can choose a new password.")
    }


class RoleForm(SiteChoice):
    role = forms.ChoiceField(label=_("Role"), widget=forms.RadioSelect)

    examples: ClassVar[Examples] = {
        "role": _(
            "A supervisor helps at the machines. A mediator welcomes people at the desk. "
            "A fab manager sets up machines and rules. An administrator gives all roles."
        )
    }

    def __init__(self, *args: Any, roles: Iterable[Role], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = [(role.value, role.label.capitalize()) for role in roles]  # type: ignore[attr-defined]


class SuspensionForm(RefusableForm):
    reason = forms.CharField(label=_("Reason, as the person will read it"), max_length=240)
    last_day = DayField(
        label=_("Last day"), required=False, help_text=_("Leave it empty to suspend until somebody lifts it.")
    )

    examples: ClassVar[Examples] = {
        "reason": _("“The laser was left running alone on 3 March. Come and talk to us.” Nothing about health."),
    }

    def __init__(self, *args: Any, today: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today

    def clean_last_day(self) -> dt.date | None:
        day: dt.date | None = self.cleaned_data["last_day"]
        if day is not None and day < self.today:
            raise forms.ValidationError(_("Choose a day that is still to come."))
        return day


class TeamForm(SiteChoice):
    name = forms.CharField(label=_("Name of the team"), max_length=120)

    examples: ClassVar[Examples] = {
        "name": _("What you do rather than who you are: “Bicycle repair”. Others of the place may read it.")
    }
