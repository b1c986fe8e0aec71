"""What the team answers to somebody who asked for an induction."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from machines.forms_qualifications import QualifyForm


class GrantForm(QualifyForm):
    """At which level, and for how long; of which qualification is known."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Past the form it comes from, which asks the database for every qualification: a list has many of these.
        super(QualifyForm, self).__init__(*args, **kwargs)
        del self.fields["qualification"]


class CloseForm(forms.Form):
    """An answer without a qualification."""

    words = forms.CharField(
        label=_("Words for them"),
        max_length=240,
        required=False,
        help_text=_("A time to come, or why not. They read it."),
    )
