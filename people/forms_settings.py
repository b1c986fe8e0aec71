"""What an administrator types about a site and about the whole installation."""

from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

import holidays
from babel import Locale
from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from people.models import Lab, Module, Site

Choices = list[tuple[Any, Any]]
NEAR_ZONES = (
    "Europe/Paris",
    "Europe/Brussels",
    "Europe/Zurich",
    "Europe/London",
    "America/Guadeloupe",
    "America/Martinique",
    "America/Cayenne",
    "America/Miquelon",
    "America/Montreal",
    "Indian/Reunion",
    "Indian/Mayotte",
    "Pacific/Noumea",
    "Pacific/Tahiti",
)
# What goes when a module is switched off, in the words of whoever ticks the box.
MODULE_WORDS: dict[str, Any] = {
    Module.PRINTING: _("Sending files to 3D printers and following prints. Off: the printers stay, reserved by hand."),
    Module.DEVICES: _("Plugs and boxes that measure real use. Off: no measured hours, no “no news” alerts."),
    Module.DESK: _("Who is here, quick reservations, tickets. Off: everybody reserves by themselves."),
    Module.KIOSK: _(
        "A screen at the entrance, public computers, card and one-time code. Off: sign-in by password only."
    ),
    Module.TEAMS: _("Groups that reserve together and join by a link. Off: everybody reserves in their own name."),
    Module.BOARD: _("All machines live on a large screen. Off: its address and its links are gone."),
    Module.API: _("Programs of your own with tokens. Off: every token stops working."),
}


class SiteForm(forms.ModelForm):
    """Where a place is, how it is reached, which clock and which holidays it follows."""

    examples = {
        "name": _("“Fablab des Halles”: on every page and every poster."),
        "time_zone": _("The clock on the wall: opening hours and reservations are told by it."),
        "contact_email": _("bonjour@example.org: shown at the foot of the pages, to everybody."),
        "holiday_region": _("Alsace and Moselle have two public holidays more than the rest of France."),
        "is_closed_on_holidays": _("Open on one of them? Add that date under closures, with its hours."),
        "school_zone": _("A season may follow them: other hours while there is no school."),
        "has_rota": _(
            "Machines with a serious risk can then be reserved only while somebody stands in the rota, and started "
            "only while somebody of the team is checked in. Write the rota first."
        ),
    }

    class Meta:
        model = Site
        fields = [
            "name",
            "address",
            "phone",
            "contact_email",
            "time_zone",
            "holiday_country",
            "holiday_region",
            "is_closed_on_holidays",
            "school_zone",
            "has_rota",
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        language = get_language() or "en"
        country = (self.data.get("holiday_country") if self.is_bound else self.instance.holiday_country) or ""
        self._choose("time_zone", [(_("Near"), _zones(NEAR_ZONES)), (_("All"), _zones(sorted(available_timezones())))])
        self._choose("holiday_country", [("", _("no public holidays")), *countries(language)])
        self._choose("holiday_region", [("", _("the whole country")), *regions(country)])
        self._choose("school_zone", school_zones(country, self.instance.school_zone))

    def _choose(self, name: str, choices: Choices) -> None:
        label, required = self.fields[name].label, self.fields[name].required
        self.fields[name] = forms.ChoiceField(label=label, required=required, choices=choices)


def _zones(names: Any) -> list[tuple[str, str]]:
    return [(name, name.replace("_", " ")) for name in names]


@lru_cache(maxsize=8)
def countries(language: str) -> Choices:
    """The countries whose public holidays are known, by name."""
    names = Locale.parse(language, sep="-").territories
    known = holidays.list_supported_countries(include_aliases=False)
    return sorted(((code, names.get(code, code)) for code in known), key=lambda pair: pair[1])


def regions(country: str) -> Choices:
    """The parts of the country that have holidays of their own."""
    known = holidays.list_supported_countries(include_aliases=False)
    if country not in known:
        return []
    aliases = holidays.country_holidays(country).get_subdivision_aliases()
    named = [(code, max(aliases.get(code) or [code], key=len)) for code in known[country]]
    # School holidays are no public holidays: the library lists their zones beside the regions.
    return sorted(((code, name) for code, name in named if not name.startswith("Zone ")), key=lambda pair: pair[1])


def school_zones(country: str, chosen: str) -> Choices:
    """The parts of the country that have school holidays of their own; in France zones A, B and C."""
    known = holidays.list_supported_countries(include_aliases=False)
    found: list[str] = []
    if country in known and holidays.SCHOOL in holidays.country_holidays(country).supported_categories:
        found = [part for part in known[country] if part.startswith("Zone ")] or list(known[country])
    kept = [chosen] if chosen and chosen not in found else []
    return [("", _("none, or the whole country")), *((zone, zone) for zone in [*found, *kept])]


class TextsForm(forms.ModelForm):
    """What the whole installation says of itself."""

    examples = {
        "name": _("“Fablab des Halles”: in the corner of every page. With several places: the name of the whole."),
        "welcome_fr": _(
            "“Entrez, le café est chaud. Première visite ? Demandez à l’accueil.” It stands on the first page."
        ),
        "legal_notice_fr": _("Who publishes this site, with address and telephone; who is responsible; who hosts it."),
        "privacy_contact": _("“The team, 02 47 00 00 00, or donnees@example.org”: who answers about personal data."),
    }

    class Meta:
        model = Lab
        fields = ["name", "welcome_fr", "welcome_en", "legal_notice_fr", "legal_notice_en", "privacy_contact"]
        widgets = {
            name: forms.Textarea({"rows": rows})
            for name, rows in (("welcome_fr", 3), ("welcome_en", 3), ("legal_notice_fr", 6), ("legal_notice_en", 6))
        }


class ModulesForm(forms.Form):
    """Which parts of the software are wanted: one box each, with what goes when it is unticked."""

    def __init__(self, *args: Any, lab: Lab, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for module in Module:
            self.fields[module.value] = forms.BooleanField(
                label=module.label, required=False, initial=lab.has(module), help_text=MODULE_WORDS[module]
            )

    def wanted(self) -> list[str]:
        """The modules that are ticked."""
        return [module.value for module in Module if self.cleaned_data[module.value]]
