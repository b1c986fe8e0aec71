"""The schema describes the API, and nothing that it allows (or forbids) makes the API fail."""

import json
from collections.abc import Iterator
from functools import cache

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.schemas import BaseSchema

from fablab.wsgi import application
from tests.api.lab import ALL_SCOPES, Lab, make_token

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

EXAMPLES = 8
QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much]


@cache
def document() -> dict:
    """The schema as it is generated; to be read only."""
    return SchemaGenerator().get_schema(request=None, public=True)


def operations() -> list[tuple[str, str]]:
    return [(method, path) for path, methods in document()["paths"].items() for method in methods]


def test_schema_is_openapi_31_and_valid() -> None:
    schema = document()

    validate_schema(schema)

    assert schema["openapi"].startswith("3.1")


def test_schema_describes_what_is_answered_to_nonsense() -> None:
    answers = document()["paths"]["/api/v1/reservations/"]["post"]["responses"]

    by_field = answers["400"]["content"]["application/json"]["schema"]

    assert by_field["additionalProperties"] == {"type": "array", "items": {"type": "string"}}


def test_published_schema_is_the_generated_one(lab: Lab) -> None:
    published = Client().get("/api/schema/?format=json").json()

    assert set(published["paths"]) == {path for _method, path in operations()}


@cache
def described() -> BaseSchema:
    """What requests are drawn from."""
    schema = schemathesis.openapi.from_dict(json.loads(json.dumps(document())))
    schema.app = application
    return schema


@pytest.fixture
def open_connection() -> Iterator[None]:
    """The application would close the connection that holds the test's transaction after each request."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.usefixtures("open_connection")
@pytest.mark.parametrize(("method", "path"), operations(), ids=lambda value: str(value).removeprefix("/api/v1"))
def test_no_request_makes_the_api_fail(lab: Lab, method: str, path: str) -> None:
    key = make_token(lab.people["administrator"], *ALL_SCOPES)[1]
    failures = []

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=QUIET,
        phases=[Phase.explicit, Phase.generate],
    )  # fmt: skip
    @given(case=described()[path][method.upper()].as_strategy())
    def send(case: schemathesis.Case) -> None:
        response = case.call(headers={"Authorization": f"Token {key}"})
        if response.status_code >= 500 or response.status_code == 401:
            failures.append((case.as_curl_command(), response.status_code))

    send()

    assert failures == []
