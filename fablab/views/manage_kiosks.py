"""For managers: make this very screen a kiosk, see when each was last there, and end one."""

import datetime as dt
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import logout
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from fablab.kiosk_session import kiosk_of, remember_kiosk
from fablab.views.people_door import posted
from fablab.views.roles import for_role
from machines.models import Machine
from machines.services import update_machine
from people.errors import NotValid
from people.kiosks import answer_call, enrol_kiosk, revoke_kiosk
from people.models import Kiosk, Person
from people.permissions import is_manager, is_staff
from people.selectors import managed_sites, staff_sites
from people.signed_in import signed_in


class KioskForm(forms.Form):
    """Which screen this is."""

    name = forms.CharField(label=gettext_lazy("Name of this screen"), max_length=80)
    kind = forms.ChoiceField(label=gettext_lazy("What is it?"), choices=Kiosk.Kind.choices, widget=forms.RadioSelect)
    site: Any = forms.ModelChoiceField(label=gettext_lazy("Where does it stand?"), queryset=None, empty_label=None)
    machine: Any = forms.ModelChoiceField(
        label=gettext_lazy("Which machine is it?"), queryset=None, required=False, empty_label=gettext_lazy("none")
    )
    idle_min = forms.IntegerField(
        label=gettext_lazy("Signs people out after idle minutes"), min_value=1, max_value=60, initial=10
    )

    examples = {
        "name": gettext_lazy("So that you know it again in the list: “Entrance tablet”, “PC 3”."),
        "kind": gettext_lazy("The kiosk shows four large choices. A shared computer also signs people out with their "
                             "seat."),
        "machine": gettext_lazy("For a shared computer: choose it, and a sign-in ends when its reservation ends."),
        "idle_min": gettext_lazy("10 suits most places. People are warned one minute before."),
    }  # fmt: skip

    def __init__(self, *args: Any, manager: Person, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sites = managed_sites(manager)
        fields: Any = self.fields
        fields["site"].queryset = sites
        fields["machine"].queryset = Machine.objects.filter(retired_at=None, unit__site__in=sites)
        fields["kind"].initial = Kiosk.Kind.KIOSK
        fields["site"].initial = sites.first()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        machine, site = data.get("machine"), data.get("site")
        if machine and data.get("kind") != Kiosk.Kind.SHARED_PC:
            self.add_error("machine", _("Only a computer that many share can be a machine."))
        elif machine and site and machine.unit.site_id != site.pk:
            self.add_error("machine", _("That stands at another site."))
        return data


@for_role(is_manager)
@require_safe
def kiosks(request: HttpRequest) -> HttpResponse:
    """The screens of the person's sites: those in use first, and where somebody waits."""
    now = timezone.now()
    rows = list(Kiosk.objects.enrolled().filter(site__in=managed_sites(signed_in(request))).select_related("site"))
    machines = {m.kiosk_id: m.name for m in Machine.objects.filter(kiosk__in=rows)}
    lines = [
        {"kiosk": k, "machine": machines.get(k.pk, ""), "waiting_since": k.waiting_since(now), "zone": k.site.zone}
        for k in rows
    ]
    context = {"lines": lines, "this_one": kiosk_of(request), "now": now, "day_ago": now - dt.timedelta(days=1)}
    return render(request, "fablab/kiosk/manage.html", context)


@for_role(is_manager)
def enrol(request: HttpRequest) -> HttpResponse:
    """Make this browser a screen of the lab. Its secret stays here, and whoever did it is signed out: from then on
    the screen is nobody's."""
    manager = signed_in(request)
    form = KioskForm(posted(request), manager=manager)
    if request.method == "POST" and form.is_valid():
        try:
            token = _enrolled(form.cleaned_data, manager)
        except NotValid as error:
            form.add_error(error.field or None, str(error))
        except ValidationError as error:
            form.add_error("machine", error)
        else:
            logout(request)
            response = redirect("kiosk")
            remember_kiosk(response, token)
            return response
    status = 400 if form.errors else 200
    return render(request, "fablab/kiosk/enrol.html", {"form": form, "this_one": kiosk_of(request)}, status=status)


@transaction.atomic
def _enrolled(data: dict[str, Any], manager: Person) -> str:
    now, machine = timezone.now(), data["machine"]
    kiosk, token = enrol_kiosk(
        site=data["site"], name=data["name"], kind=data["kind"], idle_min=data["idle_min"], by=manager, now=now
    )
    if machine is not None:
        update_machine(machine=machine, by=manager, now=now, kiosk=kiosk)
    return token


@require_POST
@for_role(is_manager)
def revoke(request: HttpRequest, reference: str) -> HttpResponse:
    """The screen is no kiosk any more, at once."""
    kiosk, now = _kiosk(request, reference, is_manager), timezone.now()
    with transaction.atomic():
        revoke_kiosk(kiosk=kiosk, by=signed_in(request), now=now)
        for machine in Machine.objects.filter(kiosk=kiosk):
            update_machine(machine=machine, by=signed_in(request), now=now, kiosk=None)
    messages.success(request, _("“%(name)s” is no kiosk any more.") % {"name": kiosk.name})
    return redirect("manage-kiosks")


@require_POST
@for_role(is_staff)
def answer(request: HttpRequest, reference: str) -> HttpResponse:
    """Somebody of the team goes to who waits at the screen."""
    kiosk = _kiosk(request, reference, is_staff)
    answer_call(kiosk=kiosk, now=timezone.now())
    messages.success(request, _("Thank you. The call from “%(name)s” is answered.") % {"name": kiosk.name})
    if request.POST.get("next") == "desk":
        return redirect("desk")
    return redirect("manage-kiosks" if is_manager(request.user, kiosk) else "manage")


def _kiosk(request: HttpRequest, reference: str, predicate: Any) -> Kiosk:
    sites = managed_sites(signed_in(request)) if predicate is is_manager else staff_sites(signed_in(request))
    kiosk = get_object_or_404(Kiosk.objects.enrolled().select_related("site"), reference=reference)
    if kiosk.site_id not in set(sites.values_list("pk", flat=True)):
        raise PermissionDenied
    return kiosk
