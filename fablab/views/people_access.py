"""How somebody gets in: the printed card, a one-time code, an e-mail address to sign in with."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from fablab.documents.card import card_pdf, in_groups
from fablab.lib.outgoing_mail import sends_mail
from fablab.views.people_door import file_of, form_page, own_site, posted, refused
from fablab.views.roles import for_role
from people.access import CODE_LASTS, issue_code
from people.errors import PeopleError
from people.forms_people import EmailForm
from people.lab import current_lab
from people.models import FileAccess, Person
from people.permissions import is_staff
from people.ranks import may_change_access
from people.services import note_access
from people.sign_in import give_email_sign_in, sign_in_emails
from people.signed_in import signed_in


def _within_reach(request: HttpRequest, reference: str) -> Person:
    person = file_of(request, reference)
    if not may_change_access(signed_in(request), person):
        raise PermissionDenied
    return person


@never_cache
@for_role(is_staff)
def card(request: HttpRequest, reference: str) -> HttpResponse:
    """What can be printed or made; posted, the card as a PDF, with a one-time code when that is ticked."""
    person = _within_reach(request, reference)
    if request.method != "POST":
        context = {
            "person": person,
            "card_code": in_groups(person.card_code, 4),
            "has_email": bool(sign_in_emails(person)),
        }
        return render(request, "fablab/people/card.html", context)
    me, now, site = signed_in(request), timezone.now(), own_site(request)
    try:
        code = issue_code(person=person, by=me, now=now) if "with_code" in request.POST else ""
    except PeopleError as error:
        return refused(request, error, "people-card", reference)
    note_access(person=person, by=me, deed=FileAccess.Deed.CARD, now=now)
    pdf = card_pdf(
        person=person, site=site, lab_name=current_lab().name or site.name, code=code,
        code_until=now + CODE_LASTS if code else None,
    )  # fmt: skip
    # The person's name stays out of the file's: it would remain among the downloads of a shared computer.
    return HttpResponse(
        pdf, content_type="application/pdf", headers={"Content-Disposition": 'inline; filename="card.pdf"'}
    )


@never_cache
@require_POST
@for_role(is_staff)
def code(request: HttpRequest, reference: str) -> HttpResponse:
    """A one-time code, shown this once, large enough to read aloud."""
    person, now = _within_reach(request, reference), timezone.now()
    try:
        made = issue_code(person=person, by=signed_in(request), now=now)
    except PeopleError as error:
        return refused(request, error, "people-card", reference)
    context = {
        "person": person,
        "code": in_groups(made, 3),
        "until": now + CODE_LASTS,
        "zone": own_site(request).zone,
        "card_code": in_groups(person.card_code, 4),
    }
    return render(request, "fablab/people/code.html", context)


@for_role(is_staff)
def email(request: HttpRequest, reference: str) -> HttpResponse:
    """Give an address to sign in with, or another one in its place."""
    person = _within_reach(request, reference)
    known = next(iter(sign_in_emails(person)), "")
    form = EmailForm(posted(request), initial={"email": known or person.contact_email})
    if request.method == "POST" and form.is_valid():
        try:
            give_email_sign_in(
                person=person, email=form.cleaned_data["email"], by=signed_in(request), now=timezone.now()
            )
        except PeopleError as error:
            form.refuse(error)
        else:
            done = _("Done. %(name)s chooses a password on the sign-in page, under “I forgot my password”.")
            if not sends_mail():
                done = _(
                    "The address is kept. But this lab sends no e-mail: whoever runs it gives %(name)s a password."
                )
            messages.success(request, done % {"name": person.get_short_name()})
            return redirect("people-person", reference)
    return form_page(request, "fablab/people/email.html", {"form": form, "person": person, "known": known})
