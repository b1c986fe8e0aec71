"""What somebody was told, and by which ways they want to be told."""

import datetime as dt

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from fablab.lib.outgoing_mail import sends_mail
from people.models import Channel, Person, Site
from people.notices.inbox import choosable_kinds, choose_by, mark_read, messages_of, wanted_by
from people.notices.sms import can_text, number_of
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
    """Which kinds come by e-mail or SMS too: where the lab sends any, and knows where to."""
    person = signed_in(request)
    kinds, channels = choosable_kinds(is_of_the_team=is_staff(person)), _channels_to(person)
    if request.method == "POST" and channels:
        with transaction.atomic():
            for channel in channels:
                ticked = set(request.POST.getlist(channel.value))
                wanted = {kind.code: kind.code in ticked for kind in kinds}
                choose_by(person=person, channel=channel, wanted=wanted)
        messages.success(request, _("Your choice is kept."))
        return redirect("me-notices")
    wanted_on = {channel: wanted_by(person=person, channel=channel) for channel in channels or [Channel.EMAIL]}
    rows = [(kind, [(channel, wanted[kind.code]) for channel, wanted in wanted_on.items()]) for kind in kinds]
    context = {
        "mine": [row for row in rows if not row[0].is_for_the_team],
        "of_the_team": [row for row in rows if row[0].is_for_the_team],
        "channels": channels,
        "can_mail": Channel.EMAIL in channels,
        "can_text": Channel.SMS in channels,
        "number": number_of(person),
        "lab_sends": sends_mail(),
    }
    return render(request, "fablab/notices/choose.html", context)


def _channels_to(person: Person) -> list[Channel]:
    """By which ways something can be sent to the person."""
    can = {Channel.EMAIL: sends_mail() and bool(person.contact_email), Channel.SMS: can_text(person)}
    return [channel for channel, is_there in can.items() if is_there]
