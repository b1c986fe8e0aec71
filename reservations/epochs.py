"""Instants as seconds since 1970, for lists of a thousand rows.

Decoding a timestamp in Python takes several times as long as decoding a number and making an instant of it.
"""

import datetime as dt
from typing import Any

from django.db.models import FloatField, Func


class Epoch(Func):
    """`Epoch("start")` in a query: seconds since 1970, or None."""

    template = "extract(epoch FROM %(expressions)s)::float8"
    arity = 1

    def __init__(self, expression: str, **extra: Any) -> None:
        super().__init__(expression, output_field=FloatField(null=True), **extra)


def instant_or_none(epoch_s: float | None) -> dt.datetime | None:
    return None if epoch_s is None else dt.datetime.fromtimestamp(epoch_s, dt.UTC)
