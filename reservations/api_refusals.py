"""A refusal as an answer of the API: every reason in words, and what is free instead."""

from collections.abc import Iterable
from typing import Any

from drf_spectacular.utils import inline_serializer
from rest_framework import serializers
from rest_framework.response import Response

from reservations.errors import Alternative
from reservations.messages import Sentence


class Refused(serializers.Serializer[Any]):
    """409: every reason, and up to three alternatives."""

    denials = inline_serializer(
        "DenialOut",
        {"code": serializers.CharField(), "message": serializers.CharField(), "next_step": serializers.CharField()},
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
        "denials": [{"code": s.code, "message": s.message, "next_step": s.next_step} for s in sentences],
        "alternatives": [
            {"machine": a.machine.slug, "start": a.interval.start, "end": a.interval.end} for a in alternatives
        ],
    }
    return Response(body, status=409)
