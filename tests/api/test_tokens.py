"""What a token opens: its scopes, its person, its lifetime."""

import datetime as dt

import pytest
from django.utils import timezone

from people.models import ApiToken
from tests.api.lab import Lab, api_client, make_token, slot

JSON = "application/json"


def wish(lab: Lab) -> dict[str, str]:
    start, end = slot()
    return {"machine": lab.laser.slug, "start": start, "end": end}


@pytest.mark.parametrize(
    ("scopes", "read", "reserve", "pause"),
    [
        (["read"], 200, 403, 403),
        (["reserve"], 403, 201, 403),
        (["print"], 403, 403, 200),
        (["read", "reserve", "print"], 200, 201, 200),
        ([], 403, 403, 403),
    ],
    ids=["read only", "reserve only", "print only", "all three", "none"],
)
def test_token_does_what_its_scopes_allow(lab: Lab, scopes: list[str], read: int, reserve: int, pause: int) -> None:
    client = api_client(make_token(lab.people["holder"], *scopes)[1])

    found = (
        client.get("/api/v1/reservations/").status_code,
        client.post("/api/v1/reservations/", wish(lab), content_type=JSON).status_code,
        client.post(f"/api/v1/print-jobs/{lab.job.reference}/pause/").status_code,
    )

    assert found == (read, reserve, pause)


@pytest.mark.parametrize("header", ["Token nonsense", "Token", "Token a b", "Token \u00e9"])
def test_wrong_token_is_401_even_where_anybody_may_read(lab: Lab, header: str) -> None:
    response = lab.client("anonymous").get("/api/v1/machines/", headers={"authorization": header})

    assert response.status_code == 401
    assert set(response.json()) == {"detail", "code"}


def test_expired_token_is_401(lab: Lab) -> None:
    row, key = make_token(lab.people["holder"], "read")
    ApiToken.objects.filter(pk=row.pk).update(expiry=timezone.now() - dt.timedelta(seconds=1))

    assert api_client(key).get("/api/v1/reservations/").status_code == 401


def test_token_of_somebody_shut_out_is_401(lab: Lab) -> None:
    holder = lab.people["holder"]
    _row, key = make_token(holder, "read")
    holder.is_active = False
    holder.save()

    assert api_client(key).get("/api/v1/reservations/").status_code == 401


def test_key_is_shown_once_and_kept_as_a_hash(lab: Lab) -> None:
    client = lab.client("other")

    response = client.post("/me/tokens/", {"name": "my script", "scopes": ["read"]})

    row = ApiToken.objects.get(name="my script")
    key = response.context["fresh"]
    assert key in response.content.decode()
    assert key not in client.get("/me/tokens/").content.decode()
    assert key not in str(row.__dict__)
    assert api_client(key).get("/api/v1/reservations/").status_code == 200


def test_revoked_token_is_401(lab: Lab) -> None:
    row, key = make_token(lab.people["other"], "read")

    lab.client("other").post(f"/me/tokens/{row.token_key}/revoke/")

    assert api_client(key).get("/api/v1/reservations/").status_code == 401


def test_page_session_may_not_write_to_the_api_from_another_site(lab: Lab) -> None:
    client = lab.client("holder")
    client.handler.enforce_csrf_checks = True

    response = client.post("/api/v1/reservations/", wish(lab), content_type=JSON)

    assert response.status_code == 403
