"""Requests in process, through the whole of Django, as somebody or as nobody."""

import datetime as dt
from collections.abc import Callable, Mapping
from itertools import count

from django.test import Client
from django.utils import timezone

from fablab.bench.measure import Times, timed
from fablab.bench.seed import MANAGER_CARD, MEMBER_CARD
from fablab.second_factor import ENROLLED
from people.models import Person
from people.sign_in_backends import BY_PASSWORD

NOBODY, MEMBER, MANAGER = "", MEMBER_CARD, MANAGER_CARD
ROUNDS = 40

_address = count(1)


class UnexpectedAnswer(Exception):
    """The door answered something else than 200: its time says nothing."""


def page(path: str, *, card: str = NOBODY, query: Mapping[str, str | int] | None = None) -> Times:
    """The times of a GET.

    Raises:
        UnexpectedAnswer: it was not answered with 200.
    """
    client = signed_in_as(card) if card else Client(SERVER_NAME="127.0.0.1")

    def ask() -> None:
        # The rate limit is part of the price but not the subject: each anonymous request has an address of its own.
        number = next(_address)
        answer = client.get(path, query, REMOTE_ADDR=f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}")
        if answer.status_code != 200:
            raise UnexpectedAnswer(f"{path} answered {answer.status_code}")

    return timed(ask, rounds=ROUNDS)


def signed_in_as(card: str) -> Client:
    """A browser in which this person has signed in; whoever acts for others, with their second key too."""
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(Person.objects.get(card_code=card), BY_PASSWORD)
    session = client.session
    session[ENROLLED] = True
    session.save()
    return client


def week() -> dict[str, str | int]:
    """The seven days from now on."""
    now = timezone.now()
    return {"start": now.isoformat(), "end": (now + dt.timedelta(days=7)).isoformat()}


def asking(
    path: str, *, card: str = NOBODY, query: Callable[[], Mapping[str, str | int]] | None = None
) -> Callable[[], Times]:
    return lambda: page(path, card=card, query=query() if query else None)
