"""Who comes to a team's reservation: chosen anew by those who answer for it, or given up by oneself."""

from collections.abc import Sequence

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fablab.comers import Choice, choices_of, members_of
from fablab.views.on_behalf import sentences
from people.models import Team
from people.signed_in import signed_in
from reservations.errors import NotOfTheTeam, ReservationRefused, WrongState
from reservations.messages import STATE_WORDS, Sentence
from reservations.models import Reservation
from reservations.participants import leave_reservation, may_choose_people, set_participants, who_comes

TICKED = "comes"


def _of_a_team(request: HttpRequest, reference: str) -> tuple[Reservation, Team]:
    rows = Reservation.objects.known_to(request.user).with_places()  # type: ignore[arg-type]
    found = get_object_or_404(rows.select_related("holder", "team__site"), reference=reference)
    if found.team is None:
        raise Http404
    return found, found.team


@login_required
def people(request: HttpRequest, reference: str) -> HttpResponse:
    """Tick who comes; what stands in the way is said of each by name."""
    found, team = _of_a_team(request, reference)
    if not request.user.has_perm("reservations.change", found):
        raise PermissionDenied
    now, me = timezone.now(), signed_in(request)
    if not may_choose_people(found, now):
        messages.error(request, STATE_WORDS["not_open"])
        return redirect(found)
    there = who_comes(found)
    members = members_of([team]).get(team.pk, [])
    # The holder, those who come already, and the members, each once.
    everybody = [*([found.holder] if found.holder else []), *(row.person for row in members), *there]
    known = list({person.pk: person for person in everybody}.values())
    names = {choice.reference: choice.name for choice in choices_of(members, me, [])}
    chosen = there if request.method != "POST" else [p for p in known if p.reference in request.POST.getlist(TICKED)]
    denials: Sequence[Sentence] = ()
    if request.method == "POST":
        try:
            set_participants(
                reservation=found, people=chosen, holder_takes_part=found.holder in chosen, by=me, now=now
            )  # fmt: skip
        except ReservationRefused as refusal:
            denials = sentences(request, refusal.denials, found.holder)
        except WrongState as error:
            denials = [Sentence(error.code, str(STATE_WORDS[error.code]), "")]
        except NotOfTheTeam:
            denials = [Sentence("not_of_the_team", _("Somebody of those is no longer in this team."), "")]
        else:
            messages.success(request, _("Saved: they are told."))
            return redirect(found)
    context = {
        "reservation": found, "team": team, "zone": found.site.zone, "denials": denials, "field": TICKED,
        "choices": [Choice(p.reference, names.get(p.reference, p.get_short_name()), p in chosen) for p in known],
    }  # fmt: skip
    return render(request, "fablab/teams/people.html", context, status=409 if denials else 200)


@require_POST
@login_required
def leave(request: HttpRequest, reference: str) -> HttpResponse:
    """“I cannot come”: the others keep the time."""
    found, _team = _of_a_team(request, reference)
    me = signed_in(request)
    if me not in who_comes(found):
        raise PermissionDenied
    try:
        leave_reservation(reservation=found, person=me, now=timezone.now())
    except ReservationRefused as refusal:
        for sentence in sentences(request, refusal.denials, me):
            messages.error(request, f"{sentence.message} {sentence.next_step}")
        return redirect(found)
    except WrongState as error:
        messages.error(request, STATE_WORDS[error.code])
        return redirect(found)
    messages.success(request, _("The others know: they come without you."))
    return redirect("me")
