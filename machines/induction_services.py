"""Inductions: asked for by people, answered by the team of a site with the qualification or with words."""

import datetime as dt
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from machines.errors import MachinesError
from machines.models import InductionRequest, Qualification
from machines.models.qualification import Level
from machines.qualification_services import grant_qualification
from people.errors import NotAllowed
from people.models import Person, Site
from people.notices import settle, tell
from people.notices.team import tell_team
from people.permissions import is_staff, staff_site_ids


class AlreadyAnswered(MachinesError):
    """Somebody else of the team has answered meanwhile."""


@transaction.atomic
def ask_for_induction(
    *, person: Person, qualification: Qualification, site: Site, by: Person, now: dt.datetime
) -> InductionRequest:
    """The person would like to learn it there; asking again while it is open changes nothing.

    Side effects in order: the request; the team of the site told.

    Raises:
        NotAllowed: `not_of_the_team`: somebody else asks, who is not of the team of the site.
    """
    if by.pk != person.pk and not is_staff(by, site):
        raise NotAllowed("not_of_the_team", _("Only the team asks for somebody else."))
    request, is_new = InductionRequest.objects.get_or_create(
        person=person, qualification=qualification, done_at=None, defaults={"site": site, "asked_at": now}
    )
    if is_new:
        tell_team(
            site=site, kind="induction_asked", key=f"induction:{request.pk}", params=_params(request), now=now,
            link=reverse("manage-inductions"), besides=by,
        )  # fmt: skip
    return request


@transaction.atomic
def grant_after_induction(
    *, request: InductionRequest, level: Level, expires_at: dt.datetime | None, by: Person, now: dt.datetime
) -> None:
    """They have had it: the qualification is granted, the request closed, and the person told.

    Raises:
        AlreadyAnswered: somebody else was quicker.
        NotAllowed: as `grant_qualification`, or not of the team of the site.
        NotValid: `expiry_passed`.
    """
    _close(request, by, now)
    grant_qualification(
        people=[request.person], qualification=request.qualification, level=level, expires_at=expires_at, by=by, now=now
    )
    _tell_person(request, "induction_granted", "", now)


@transaction.atomic
def close_induction(*, request: InductionRequest, words: str, by: Person, now: dt.datetime) -> None:
    """Answered without a qualification: the person is told, with the words where there are any.

    Raises:
        AlreadyAnswered: somebody else was quicker.
        NotAllowed: not of the team of the site.
    """
    _close(request, by, now)
    _tell_person(request, "induction_answered", words.strip(), now)


def open_inductions(staff: Person) -> QuerySet[InductionRequest]:
    """Those that wait at the sites where the person is of the team: by qualification, the oldest first."""
    rows = InductionRequest.objects.filter(done_at=None, person__erased_at=None)
    if not staff.is_superuser:
        rows = rows.filter(site__in=staff_site_ids(staff))
    rows = rows.select_related("person__guardian", "qualification", "site")
    return rows.order_by("qualification__slug", "asked_at", "pk")


def own_inductions(person: Person) -> QuerySet[InductionRequest]:
    """What the person asked for and still waits for, the oldest first."""
    return InductionRequest.objects.filter(person=person, done_at=None).select_related("qualification", "site")


def _close(request: InductionRequest, by: Person, now: dt.datetime) -> None:
    """Of two who answer at once, one wins."""
    if not is_staff(by, request.site):
        raise NotAllowed("not_of_the_team", _("Only the team of the place answers."))
    if not InductionRequest.objects.filter(pk=request.pk, done_at=None).update(done_at=now, done_by=by):
        raise AlreadyAnswered("already_answered", str(_("Somebody of the team has answered this already.")))
    settle(key_prefix=f"induction:{request.pk}:", now=now)


def _tell_person(request: InductionRequest, kind: str, words: str, now: dt.datetime) -> None:
    tell(
        person=request.person, kind=kind, key=f"induction_answer:{request.pk}", now=now, site=request.site,
        params=_params(request) | {"words": words}, link=reverse("me"),
    )  # fmt: skip


def _params(request: InductionRequest) -> dict[str, Any]:
    """Nothing about the person: it leaves by the team's channels."""
    wanted = request.qualification
    return {"name_fr": wanted.name_fr, "name_en": wanted.name_en, "site": request.site.name}
