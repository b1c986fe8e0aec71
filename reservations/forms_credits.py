"""What is typed about credits: packs, what is handed out, and corrections."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from people.forms_people import Examples, RefusableForm
from reservations.models import CreditLot, CreditPack

BY_HAND = "hand"
ADD, TAKE = "add", "take"
MOST_CREDITS = 100_000
MOST_DAYS = 3650
FIGURES = {"inputmode": "numeric"}


def _number_field(label: Any, most: int, **settings: Any) -> forms.IntegerField:
    return forms.IntegerField(
        label=label, min_value=1, max_value=most, widget=forms.NumberInput(FIGURES), **settings
    )  # fmt: skip


class PackForm(forms.ModelForm):
    """What is handed out at once."""

    credits = _number_field(_("Credits"), MOST_CREDITS)
    days_valid = _number_field(_("Good for, in days"), MOST_DAYS, required=False)

    examples: ClassVar[Examples] = {
        "name_fr": _("“Carte 10 crédits”: the words on the person’s ledger."),
        "credits": _("A machine with 2 credits an hour takes 3 for an hour and a half."),
        "days_valid": _("365: a year from the day on which it is handed out. Empty: it never runs out."),
    }

    class Meta:
        model = CreditPack
        fields = ("name_fr", "name_en", "credits", "days_valid")


class GiveForm(RefusableForm):
    """A pack, or an amount by hand."""

    pack = forms.ChoiceField(label=_("What they get"), widget=forms.RadioSelect)
    amount = _number_field(_("Credits, by hand"), MOST_CREDITS, required=False)
    days_valid = _number_field(_("Good for, in days, by hand"), MOST_DAYS, required=False)
    words = forms.CharField(label=_("What for?"), max_length=200, required=False)

    examples: ClassVar[Examples] = {
        "words": _("“Paid in cash, receipt 214”, or “Thank you for repairing the saw”. The person reads it."),
        "days_valid": _("Empty: what is given by hand never runs out. A pack knows its own days."),
    }

    def __init__(self, *args: Any, packs: Iterable[CreditPack], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.packs = {str(pack.pk): pack for pack in packs}
        choices = [(key, pack_words(pack)) for key, pack in self.packs.items()]
        field: Any = self.fields["pack"]
        if choices:
            field.choices = [*choices, (BY_HAND, _("an amount by hand"))]
        else:
            del self.fields["pack"]
            self.fields["amount"].required = True
            self.fields["amount"].label = _("Credits")
            self.fields["days_valid"].label = _("Good for, in days")

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("pack") == BY_HAND and data.get("amount") is None and "amount" not in self.errors:
            self.add_error("amount", _("Write how many credits."))
        return data

    @property
    def gift(self) -> dict[str, Any]:
        """What the service is told; call after `is_valid`."""
        data = self.cleaned_data
        pack = self.packs.get(data.get("pack", ""))
        if pack is None:
            return {"amount": data["amount"], "days_valid": data["days_valid"], "words": data["words"]}
        return {"amount": pack.credits, "days_valid": pack.days_valid, "pack": pack, "words": data["words"]}


class CorrectForm(RefusableForm):
    """More or less of something that was handed out, and why."""

    lot = forms.ChoiceField(label=_("Of which"), widget=forms.RadioSelect)
    direction = forms.ChoiceField(
        label=_("Which way"), choices=[(TAKE, _("take away")), (ADD, _("add"))], initial=TAKE, widget=forms.RadioSelect
    )
    amount = _number_field(_("Credits"), MOST_CREDITS)
    words = forms.CharField(
        label=_("Why?"), max_length=200, error_messages={"required": _("Say why: the ledger keeps it.")}
    )

    examples: ClassVar[Examples] = {
        "words": _("“Given twice by mistake”. The line is never removed: it stands in the ledger for good."),
    }

    def __init__(self, *args: Any, lots: Iterable[CreditLot], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lots = {str(lot.pk): lot for lot in lots}
        field: Any = self.fields["lot"]
        field.choices = [(key, lot_words(lot)) for key, lot in self.lots.items()]
        if len(self.lots) == 1:
            field.initial = next(iter(self.lots))

    @property
    def signed_amount(self) -> int:
        """Below zero where something is taken away; call after `is_valid`."""
        amount: int = self.cleaned_data["amount"]
        return -amount if self.cleaned_data["direction"] == TAKE else amount


def credits_words(amount: int) -> str:
    """“1 credit”, “10 credits”."""
    return ngettext("%(n)d credit", "%(n)d credits", amount) % {"n": amount}


def pack_words(pack: CreditPack) -> str:
    """“Ten credits: 10 credits, good for 365 days”."""
    words = {"name": pack.name, "credits": credits_words(pack.credits), "days": pack.days_valid}
    if pack.days_valid:
        return gettext("%(name)s: %(credits)s, good for %(days)d days") % words
    return gettext("%(name)s: %(credits)s") % words


def lot_words(lot: CreditLot) -> str:
    """“Ten credits, 4 left”."""
    name = lot.pack.name if lot.pack else gettext("given by hand")
    return gettext("%(name)s: %(left)s left") % {"name": name, "left": credits_words(lot.left)}
