"""What a fab manager writes for people to sign."""

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from people.forms_people import Examples

LONGEST = 20_000


def _text_field(label: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=LONGEST, widget=forms.Textarea({"rows": 12}))


class RulesForm(forms.Form):
    """The same rules in both languages. With `is_preview` one will do: what is there is looked at."""

    text_fr = _text_field(_("Rules in French"))
    text_en = _text_field(_("Rules in English"))

    examples: ClassVar[Examples] = {
        "text_fr": _(
            "Short sentences that say what to do: “Restez près de la découpeuse quand elle tourne.” An empty line "
            "begins a new paragraph, “- ” a point of a list, “## ” a title; “**never**” is bold. Everybody signs again "
            "when it changes."
        ),
    }

    def __init__(self, *args: Any, is_preview: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_preview = is_preview
        if is_preview:
            for field in self.fields.values():
                field.required = False

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.is_preview and not self.errors and not any(data.values()):
            self.add_error("text_fr", _("Write something first: there is nothing to look at."))
        return data
