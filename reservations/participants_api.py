"""Who comes, as API v1 reads and writes it: references of the team's members, and never a list of anybody else."""

from collections.abc import Iterable
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.db.models.functions import JSONObject
from django.utils.translation import gettext as _
from drf_spectacular.utils import inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from people.models import Person, Team
from reservations.models import Participant, Reservation
from reservations.wishes import companions_of

MOST = 100
# First names: those of a team know no more of each other.
COMES = ArraySubquery(
    Participant.objects.filter(reservation=OuterRef("pk"))
    .order_by("pk")
    .values(row=JSONObject(reference="person__reference", name="person__first_name"))
)


def shown_people() -> Any:
    """The field of who comes, in an answer."""
    fields: dict[str, Any] = {"reference": serializers.CharField(), "name": serializers.CharField()}
    return inline_serializer("ParticipantOut", fields, many=True)


def participants_field(*, required: bool = True) -> serializers.ListField:
    """The field of who comes, in a request."""
    return serializers.ListField(
        child=serializers.CharField(max_length=12),
        required=required,
        max_length=MOST,
        help_text="References of those who come, members of the team all of them; whoever reserves, when left out.",
    )


class ParticipantsIn(serializers.Serializer[Any]):
    participants = participants_field()


def who_comes(row: dict[str, Any]) -> list[dict[str, str]]:
    """The holder first, if they come, then the others."""
    holder = []
    if row["holder__reference"] and row["holder_takes_part"]:
        holder = [{"reference": row["holder__reference"], "name": row["holder__first_name"]}]
    return [*holder, *row["comes"]]


def people_named(
    references: Iterable[str] | None, team: Team | None, holder: Person | None, reservation: Reservation | None = None
) -> tuple[list[Person], bool]:
    """Those who come beside the holder, and whether the holder does.

    Raises:
        ValidationError: nobody, or somebody who is neither the holder, nor a member of the team, nor there already.
    """
    if references is None:
        return [], True
    wanted = list(dict.fromkeys(references))
    if not wanted:
        raise ValidationError({"participants": [_("Somebody has to come: choose at least one of you.")]})
    known = {holder.reference: holder} if holder is not None else {}
    known |= {person.reference: person for person in companions_of(reservation)} if reservation is not None else {}
    if team is not None:
        members = Person.objects.filter(team_memberships__team=team, reference__in=wanted)
        known |= {person.reference: person for person in members}
    if any(reference not in known for reference in wanted):
        raise not_of_the_team()
    named = [known[reference] for reference in wanted]
    return [person for person in named if person != holder], any(person == holder for person in named)


def not_of_the_team() -> ValidationError:
    """The same for whoever is in no team and for whoever is not at all: neither tells of the other."""
    return ValidationError({"participants": [_("Name members of the team only.")]})
