"""What is typed about groups, and about who is in one."""

import datetime as dt
from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from fablab.lib.day_fields import DayField
from people.forms_people import Examples, RefusableForm
from people.group_services import OWN_KINDS
from people.models import PersonGroup


class GroupForm(RefusableForm):
    """A plan or community: names, and which group decides for somebody in several."""

    kind = forms.ChoiceField(
        label=_("What it is"), choices=[(kind.value, kind.label) for kind in OWN_KINDS], widget=forms.RadioSelect,
    )  # fmt: skip
    name_fr = forms.CharField(label=_("Name in French"), max_length=80)
    name_en = forms.CharField(label=_("Name in English"), max_length=80)
    position = forms.IntegerField(
        label=_("Order"), min_value=0, max_value=999, widget=forms.NumberInput({"inputmode": "numeric"})
    )

    examples: ClassVar[Examples] = {
        "kind": _(
            "A plan is taken out and may be asked for by machines; a community is anything else: a club, a school."
        ),
        "name_fr": _("“Forfait atelier”: the words people read in their own file."),
        "position": _("Somebody in several groups follows the rules of the one with the smallest number."),
    }

    def __init__(self, *args: Any, group: PersonGroup | None = None, **kwargs: Any) -> None:
        names = ("kind", "name_fr", "name_en", "position")
        kwargs["initial"] = {name: getattr(group, name) for name in names} if group else {"position": 50}
        super().__init__(*args, **kwargs)
        if group is not None:
            # Who is in it depends on what it is.
            del self.fields["kind"]


class MembershipForm(RefusableForm):
    """Into which group, from when until when."""

    group = forms.ChoiceField(label=_("Group"))
    start = DayField(label=_("From"))
    end = DayField(label=_("Last day"), required=False, help_text=_("Leave it empty until further notice."))

    examples: ClassVar[Examples] = {
        "group": _("The plan that they have taken out, or the club that they come with."),
        "end": _("A plan of a year that begins on 3 March ends on 2 March."),
    }

    def __init__(self, *args: Any, groups: Iterable[PersonGroup], today: dt.date, **kwargs: Any) -> None:
        kwargs["initial"] = {"start": today}
        super().__init__(*args, **kwargs)
        self.groups = {str(group.pk): group for group in groups}
        field: Any = self.fields["group"]
        field.choices = [(key, group.name) for key, group in self.groups.items()]
