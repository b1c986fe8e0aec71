"""Somebody who is erased between being read and being written: what two requests at once do, on one connection."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from people.erasure import erase_person
from people.models import Person
from tests.factories import NOW

READS_ONE = '"people_person"."reference" = '


@contextmanager
def erased_once_read(person: Person) -> Iterator[None]:
    """As soon as a page has looked somebody up, the person is erased."""
    read: list[str] = []

    def look(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        found = execute(sql, params, many, context)
        if READS_ONE in sql and not read:
            read.append(sql)
            erase_person(person=Person.objects.get(pk=person.pk), by=None, now=NOW)
        return found

    with connection.execute_wrapper(look):
        yield
    assert read
