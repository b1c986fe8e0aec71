"""What counts tries: nobody gets more of them by having many addresses, and nobody's counts push out another's."""

import datetime as dt

import pytest
from django.core.cache import cache
from django.db import connection
from rest_framework.test import APIRequestFactory

from fablab.lib.throttling import AnonymousRate, is_within_rate

pytestmark = pytest.mark.django_db
MINUTE = dt.timedelta(minutes=1)


class OnePerMinute(AnonymousRate):
    scope = "test"
    rate = "1/min"


def is_let_in(address: str) -> bool:
    request = APIRequestFactory().get("/", REMOTE_ADDR=address)
    request.user = None
    return OnePerMinute().allow_request(request, None)


@pytest.mark.parametrize(
    ("first", "second", "is_counted_together"),
    [
        pytest.param("192.0.2.7", "192.0.2.7", True, id="one address"),
        pytest.param("192.0.2.7", "192.0.2.8", False, id="two addresses"),
        pytest.param("192.0.2.7", "::ffff:192.0.2.7", True, id="one as written two ways"),
        pytest.param("2001:db8::1", "2001:db8::2:1", True, id="one connection's many addresses"),
        pytest.param("2001:db8::1", "2001:db8:0:1::1", False, id="two connections"),
    ],
)
def test_api_counts_by_connection(first: str, second: str, is_counted_together: bool) -> None:
    assert (is_let_in(first), is_let_in(second)) == (True, not is_counted_together)


def test_many_counts_of_strangers_do_not_push_out_the_tries_at_a_password() -> None:
    """What is culled first is what comes first by name, and “:1:” comes before “rate:”."""
    cache.set("allauth:rl:login_failed:zoro", [1, 2, 3])
    cache.set("allauth:mfa:used:123456", "y")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_cache (cache_key, value, expires)"
            " SELECT 'rate:anon:' || n, '1', now() + interval '1 minute' FROM generate_series(1, 2000) n"
        )
    is_within_rate("anon", most=1, window=MINUTE)

    cache.set("allauth:rl:login_failed:another", [1])

    assert cache.get("allauth:rl:login_failed:zoro") == [1, 2, 3]
    assert cache.get("allauth:mfa:used:123456") == "y"
