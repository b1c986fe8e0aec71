"""Ending what is already open in somebody's name: browsers and programs."""

import datetime as dt

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session

from people.models import ApiToken, Person
from people.signals import signed_out_everywhere


def end_sessions(*, person: Person, now: dt.datetime) -> int:
    """Sign the person out everywhere; how many sessions that ended.

    Sessions are not stored by person: each is opened and looked at, which is fine for the thousands of one lab.
    """
    own = [
        session.pk
        for session in Session.objects.filter(expire_date__gt=now).iterator(chunk_size=500)
        if session.get_decoded().get(SESSION_KEY) == str(person.pk)
    ]
    return Session.objects.filter(pk__in=own).delete()[0] if own else 0


def end_sessions_and_keys(*, person: Person, now: dt.datetime) -> None:
    """End what acts in the person's name: every session, and every key that they gave to a program. Addresses that only
    tell what they may see go on."""
    end_sessions(person=person, now=now)
    ApiToken.objects.filter(user=person).delete()


def sign_out_everywhere(*, person: Person, now: dt.datetime) -> None:
    """End every session of the person, and every key and secret address that they gave to a program.

    Side effects in order: sessions end; keys end; `signed_out_everywhere` is sent, for what higher apps hand out.
    """
    end_sessions_and_keys(person=person, now=now)
    signed_out_everywhere.send(Person, person=person, now=now)
