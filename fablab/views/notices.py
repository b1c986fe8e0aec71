"""What somebody was told, and by which ways they want to be told."""

import datetime as dt

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from fablab.lib.outgoing_mail import sends_mail
from people.models import Site
from people.notices.inbox import choosable_kinds, choose_by_mail, mark_read, messages_of, wanted_by_mail
from people.permissions import is_staff
from people.signed_in import signed_in


@login_required
def inbox(request: HttpRequest) -> HttpResponse:
    """All of the last months, what is new first; by being shown it is read."""
    now, person = timezone.now(), signed_in(request)
    found = messages_of(person=person, now=now)
    mark_read(person=person, now=now)
    site = Site.objects.first()
    context = {
        "new": [message for message in found if message.is_new],
        "earlier": [message for message in found if not message.is_new],
        "zone": site.zone if site else dt.UTC,
        "unread_messages": 0,
    }
    return render(request, "fablab/notices/messages.html", context)


@login_required
def choose(request: HttpRequest) -> HttpResponse:
    """Which kinds come by e-mail too, where the lab sends any and the person has an address."""
    person = signed_in(request)
    kinds = choosable_kinds(is_of_the_team=is_staff(person))
    can_mail = sends_mail() and bool(person.contact_email)
    if request.method == "POST" and can_mail:
        ticked = set(request.POST.getlist("email"))
        choose_by_mail(person=person, wanted={kind.code: kind.code in ticked for kind in kinds})
        messages.success(request, _("Your choice is kept."))
        return redirect("me-notices")
    wanted = wanted_by_mail(person=person)
    rows = [(kind, wanted[kind.code]) for kind in kinds]
    context = {
        "mine": [row for row in rows if not row[0].is_for_the_team],
        "of_the_team": [row for row in rows if row[0].is_for_the_team],
        "can_mail": can_mail,
        "lab_sends": sends_mail(),
    }
    return render(request, "fablab/notices/choose.html", context)
