"""The questions of the first day as a browser asks and answers them."""

from typing import Any

from django.test import Client
from django.urls import reverse

PASSWORD = "a long walk by the river"
ADMINISTRATOR = {"first_name": "Ada", "last_name": "Martin", "email": "ada@example.org", "password": PASSWORD}
PLACE = {"name": "Les Halles", "address": "12 rue des Halles", "holiday_country": "FR", "time_zone": "Europe/Paris"}
HOURS = {"days": ["1", "3"], "opens": "09:00", "closes": "17:30"}
STEPS = ("administrator", "place", "hours", "rooms", "machines", "team", "modules", "check")


def here(language: str = "en") -> Client:
    """A browser on the very machine that the lab runs on."""
    return Client(SERVER_NAME="localhost", headers={"accept-language": language})


def elsewhere(**meta: str) -> Client:
    return Client(SERVER_NAME="localhost", REMOTE_ADDR="192.168.1.20", headers={"accept-language": "en"}, **meta)


def page(slug: str) -> str:
    return reverse("first-run-step", args=[slug])


def answer(client: Client, slug: str, data: dict[str, Any], query: str = "") -> str:
    """Send an answer; where it leads, or the page's errors."""
    response = client.post(page(slug) + query, data)
    return response["Location"] if response.status_code == 302 else f"{dict(response.context['form'].errors)}"


def begun(language: str = "en") -> Client:
    """The administrator of a lab whose first two questions are answered."""
    client = here(language)
    assert answer(client, "administrator", ADMINISTRATOR) == page("place")
    assert answer(client, "place", PLACE) == page("hours")
    return client
