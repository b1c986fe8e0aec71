"""The link by which others join a team: an address that they can open, or a word about it."""

import pytest
from django.urls import reverse

from tests.fablab.settings_pages import signed_in
from tests.factories import make_person, make_site, make_team

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("host", "addresses", "expected", "is_warned"),
    [
        ("testserver", ["http://127.0.0.1:8000"], "http://testserver/", False),
        ("127.0.0.1", ["https://lab.example"], "https://lab.example/", False),
        ("127.0.0.1:8001", ["http://127.0.0.1:8000"], "http://127.0.0.1:8001/", True),
    ],
    ids=["as it was opened", "open to the network", "on this computer only"],
)
def test_link_of_a_team_is_one_that_others_can_open(settings, host, addresses, expected, is_warned):
    settings.ADDRESSES = addresses
    ana = make_person(first_name="Ana")
    team, client = make_team(site=make_site(), members=[ana]), signed_in(ana)
    team.memberships.update(is_organiser=True)
    client.post(reverse("team-act", args=[team.slug, "open-link"]))

    shown = client.get(reverse("team", args=[team.slug]), headers={"host": host}).content.decode()

    assert f'<code class="token">{expected}' in shown
    assert ("opens on this computer only" in shown) is is_warned
