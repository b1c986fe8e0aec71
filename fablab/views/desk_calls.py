"""What the desk tells by telephone, and the sheet for the day on which no computer answers."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fablab.documents.today import people_on_sheet, today_pdf
from fablab.views.desk import desk_site, remember_desk
from fablab.views.roles import for_role
from people.models import Delivery, FileAccess, Site
from people.notices.calls import calls_waiting, note_called, note_not_reached
from people.notices.inbox import Message
from people.notices.kinds import kind_of
from people.permissions import is_staff
from people.selectors import staff_sites
from people.services import note_accesses
from people.signed_in import signed_in


def to_tell(site: Site) -> list[dict[str, Any]]:
    """Whom to tell what by telephone: each with the words, in the language of whoever reads."""
    rows = calls_waiting(site=site, now=timezone.now())[:200]
    return [
        {
            "delivery": row,
            "person": row.notice.person,
            "message": Message(row.notice, kind_of(row.notice.kind).words(row.notice.params)),
        }
        for row in rows
    ]


@require_POST
@for_role(is_staff)
def called(request: HttpRequest, pk: int, answer: str) -> HttpResponse:
    """They were told, or nobody answered; a colleague may have told them meanwhile."""
    staff, now = signed_in(request), timezone.now()
    rows = Delivery.objects.filter(notice__site__in=staff_sites(staff)).select_related("notice__person", "notice__site")
    delivery = get_object_or_404(rows, pk=pk, status__in=[Delivery.Status.TO_CALL, Delivery.Status.CALLED])
    name = {"name": delivery.notice.person}
    is_told = answer == "told"
    is_news = note_called(delivery=delivery, by=staff, now=now) if is_told else note_not_reached(delivery=delivery)
    if not is_news and not Delivery.objects.filter(pk=pk, status=Delivery.Status.TO_CALL).exists():
        messages.info(request, _("%(name)s is off the list already.") % name)
    elif is_told:
        messages.success(request, _("%(name)s knows: off the list.") % name)
    else:
        messages.success(request, _("%(name)s stays on the list, after the others.") % name)
    if delivery.notice.site is not None:
        remember_desk(request, delivery.notice.site)
    return redirect("desk-calls")


@for_role(is_staff)
def today(request: HttpRequest) -> HttpResponse:
    """The sheet as it is now; who is named on it has that noted in their file."""
    staff, site, now = signed_in(request), desk_site(request), timezone.now()
    content = today_pdf(site=site, now=now)
    note_accesses(people=people_on_sheet(site=site, now=now), by=staff, deed=FileAccess.Deed.READ, now=now)
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{site.slug}-{now.astimezone(site.zone):%Y-%m-%d-%Hh%M}.pdf"'
    return response
