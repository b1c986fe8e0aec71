from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class UploadForm(forms.Form):
    """`endings`: what the printer takes. What is sent all the same is told by its content, not by its name."""

    file = forms.FileField(label=_("File"), max_length=200)
    # One for each time that the page is opened: see `draft_once`.
    key = forms.CharField(max_length=36, required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, endings: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Browsers compare with the last ending only.
        accepted = dict.fromkeys(f".{ending.rpartition('.')[2]}" for ending in endings)
        self.fields["file"].widget.attrs["accept"] = ",".join(accepted)
