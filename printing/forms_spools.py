"""What the team types about filament and what prints cost."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from machines.models import Machine
from people.forms_people import Examples, RefusableForm
from people.models import Site
from printing.models import PrintPrice, Spool
from printing.money import EurosField

MOST_G = 20_000
MOST_EUROS_A_KG = 2000
MOST_EUROS = 1000
GRAMS = {"inputmode": "decimal", "step": "any"}


def _grams(label: Any, least: int) -> forms.IntegerField:
    widget = forms.NumberInput({"inputmode": "numeric"})
    return forms.IntegerField(label=label, min_value=least, max_value=MOST_G, widget=widget)


class SpoolForm(forms.ModelForm):
    """A spool; where only when there are several places, and what is left only for one that joins."""

    site = forms.ModelChoiceField(label=_("Place"), queryset=Site.objects.none(), empty_label=None)
    weight_g = _grams(capfirst(_("filament on it when new (g)")), 1)
    low_g = _grams(capfirst(_("warn below (g)")), 0)
    left_g = forms.FloatField(
        label=_("Left now, if it is begun (g)"), min_value=0, max_value=MOST_G, required=False,
        widget=forms.NumberInput(GRAMS),
    )  # fmt: skip
    price_cents_per_kg = EurosField(label=_("Price of a kilo (€)"), most_euros=MOST_EUROS_A_KG, required=False)

    examples: ClassVar[Examples] = {
        "material": _("As the slicer calls it: PLA, PETG. A file sliced for something else is refused."),
        "maker": _("“Prusament”: where to order the same again."),
        "weight_g": _("What the label says: 1000 for a kilo. The spool itself does not count."),
        "left_g": _("Weigh it, and take off what an empty spool weighs. Empty: nothing was used yet."),
        "low_g": _("Below this the team is told, once."),
        "price_cents_per_kg": _("24.90. With 0, or nothing, the price of prints says what a kilo costs."),
    }

    class Meta:
        model = Spool
        fields = (
            "site",
            "material",
            "colour",
            "maker",
            "weight_g",
            "left_g",
            "low_g",
            "price_cents_per_kg",
            "opened_at",
        )
        widgets: ClassVar[dict[str, forms.Widget]] = {
            "opened_at": forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        }

    def __init__(self, *args: Any, sites: Sequence[Site], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._is_new = self.instance.pk is None
        places: Any = self.fields["site"]
        if not self._is_new:
            del self.fields["site"], self.fields["left_g"]
        elif len(sites) == 1:
            del self.fields["site"]
        else:
            places.queryset = Site.objects.filter(pk__in=[site.pk for site in sites])
        self.sites = sites

    @property
    def values(self) -> dict[str, Any]:
        """What the service is told; call after `is_valid`."""
        values: dict[str, Any] = dict(self.cleaned_data)
        if self._is_new:
            values.setdefault("site", self.sites[0])
        return values


class WeighForm(RefusableForm):
    """What the scales say."""

    left_g = forms.FloatField(
        label=_("Filament left (g)"), min_value=0, max_value=MOST_G, widget=forms.NumberInput(GRAMS),
        help_text=_("What the scales say, less the empty spool (often 150 to 250 g)."),
    )  # fmt: skip


class HangForm(RefusableForm):
    """Which printer it goes on."""

    machine = forms.ChoiceField(label=_("Printer"))

    def __init__(self, *args: Any, machines: Sequence[Machine], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.machines = {machine.slug: machine for machine in machines}
        field: Any = self.fields["machine"]
        field.choices = [(slug, _printer_words(machine)) for slug, machine in self.machines.items()]


def _printer_words(machine: Machine) -> str:
    spool = machine.printer.spool
    if spool is None:
        return machine.name
    return str(_("%(machine)s (now %(spool)s)")) % {"machine": machine.name, "spool": spool}


class PriceForm(forms.Form):
    """Three sums in euros; together they make the price."""

    base_cents = EurosField(label=_("Each print (€)"), most_euros=MOST_EUROS, required=False)
    hour_cents = EurosField(label=_("An hour of printing (€)"), most_euros=MOST_EUROS, required=False)
    kg_cents = EurosField(label=_("A kilo of filament (€)"), most_euros=MOST_EUROS_A_KG, required=False)

    examples: ClassVar[Examples] = {
        "base_cents": _("0.50 for each print that began, however short. 0: nothing."),
        "hour_cents": _("0.40: for electricity, and for wear."),
        "kg_cents": _("25: for filament that is the lab’s. A spool with a price of its own costs that one."),
    }

    @property
    def price(self) -> PrintPrice:
        """As it was typed, not kept; call after `is_valid`."""
        return PrintPrice(**self.cleaned_data)


def initial_price(price: PrintPrice | None) -> dict[str, int]:
    """What the form begins with."""
    return {name: getattr(price, name) if price is not None else 0 for name in ("base_cents", "hour_cents", "kg_cents")}


def today_of(site: Site, now: dt.datetime) -> dt.date:
    """The day on the site's wall."""
    return now.astimezone(site.zone).date()
