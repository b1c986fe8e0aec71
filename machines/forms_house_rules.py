"""What a fab manager writes for people to sign."""

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from people.forms_people import Examples

LONGEST = 20_000


def _text_field(label: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=LONGEST, widget=forms.Textarea({"rows": 12}))


class RulesForm(forms.Form):
    """The same rules in both languages."""

    text_fr = _text_field(_("Rules in French"))
    text_en = _text_field(_("Rules in English"))

    examples: ClassVar[Examples] = {
        "text_fr": _(
            "Short sentences that say what to do: “Restez près de la découpeuse quand elle tourne.” An empty line "
            "begins a new paragraph. Everybody signs again when it changes."
        ),
    }
