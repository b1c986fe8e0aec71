"""What the tests of the API share: a lab, and programs with tokens."""

import pytest
from django.test import Client

from tests.api.lab import ALL_SCOPES, Lab, api_client, make_lab, make_token


@pytest.fixture
def lab(db: None) -> Lab:
    return make_lab()


@pytest.fixture
def program(lab: Lab) -> Client:
    """The holder's program, which may do whatever the holder may."""
    return api_client(make_token(lab.people["holder"], *ALL_SCOPES)[1])


@pytest.fixture
def rival(lab: Lab) -> Client:
    """Another member's program."""
    return api_client(make_token(lab.people["other"], *ALL_SCOPES)[1])
