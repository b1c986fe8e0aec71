"""A refusal as an answer of the API: every reason in words, and what is free instead."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from django.conf import settings
from drf_spectacular.utils import inline_serializer
from rest_framework import serializers
from rest_framework.response import Response

from fablab.lib.denials import Denial
from machines.models import Machine
from people.models import Person
from reservations.errors import Alternative
from reservations.messages import Sentence, sentence_of
from reservations.next_steps import NextStep, RefusedPerson, next_step_of


class Refused(serializers.Serializer[Any]):
    """409: every reason, and up to three alternatives."""

    denials = inline_serializer(
        "DenialOut",
        {
            "code": serializers.CharField(),
            "message": serializers.CharField(),
            "next_step": serializers.CharField(),
            "next": inline_serializer(
                "NextOut",
                {"words": serializers.CharField(), "url": serializers.URLField(allow_blank=True)},
                allow_null=True,
                required=False,
                help_text="What to do about it, on a page for the person; null where there is none.",
            ),
        },
        many=True,
    )
    alternatives = inline_serializer(
        "AlternativeOut",
        {"machine": serializers.SlugField(), "start": serializers.DateTimeField(), "end": serializers.DateTimeField()},
        many=True,
    )


def refused(sentences: Iterable[Sentence], alternatives: Iterable[Alternative] = ()) -> Response:
    """The answer 409 of the shape of `Refused`."""
    body = {
        "denials": [
            {"code": s.code, "message": s.message, "next_step": s.next_step, "next": _next(s.way)} for s in sentences
        ],
        "alternatives": [
            {"machine": a.machine.slug, "start": a.interval.start, "end": a.interval.end} for a in alternatives
        ],
    }
    return Response(body, status=409)


def said_to(
    denials: Iterable[Denial], *, machine: Machine | None, holder: Person | None, asking: Person
) -> list[Sentence]:
    """The refusals in words, each with the way on where there is one."""
    if machine is None or holder is None:
        return [sentence_of(denial) for denial in denials]
    refused_one = RefusedPerson(machine, holder, is_told_to_team=holder.pk != asking.pk)
    return [replace(sentence_of(denial), way=next_step_of(denial, refused_one)) for denial in denials]


def _next(way: NextStep | None) -> dict[str, str] | None:
    if way is None:
        return None
    return {"words": way.words, "url": f"{settings.PUBLIC_URL}{way.url}" if way.url else ""}
