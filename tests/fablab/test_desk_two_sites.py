"""Somebody of the team of two sites, with the desk of each in a tab of its own."""

import re
from html import unescape

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from people.models import AgeBand, Person, Site, Visit
from reservations.models import Reservation
from tests.api.lab import hold
from tests.factories import give_role, make_machine, make_person, make_site, make_staff, minutes

pytestmark = pytest.mark.django_db
GROUP = {"title": "Repair café", "day": "2030-05-05", "opens": "14:00", "closes": "15:00", "every_weeks": "0"}


@pytest.fixture
def riverside() -> Site:
    return make_site(name="Riverside")


@pytest.fixture
def hilltop() -> Site:
    return make_site(name="Hilltop")


@pytest.fixture
def member(riverside: Site) -> Person:
    person = make_person(first_name="Odile", last_name="Faure")
    give_role(person=person, site=riverside)
    return person


@pytest.fixture
def desk(riverside: Site, hilltop: Site) -> Client:
    staff = make_staff(site=riverside)
    give_role(person=staff, site=hilltop, role="supervisor")
    client = Client(headers={"accept-language": "en"})
    client.force_login(staff, backend="people.sign_in_backends.PersonBackend")
    return client


def tab(desk: Client, site: Site, **query: str) -> str:
    response = desk.get(reverse("desk"), {"site": site.slug, **query})
    assert response.status_code == 200
    return response.content.decode()


def link(text: str, name: str, *args: object) -> str:
    """The address of the first link to a page, as it stands in the text."""
    found = re.search(rf'href="({re.escape(reverse(name, args=args))}[^"]*)"', text)
    assert found
    return unescape(found[1])


def send(desk: Client, text: str, name: str, **typed: object) -> HttpResponse:
    """Fill in and send the form of the text that goes there, or else the page's own, with what it hides."""
    url = reverse(name)
    begins = f' action="{url}"[^>]*' if f'action="{url}"' in text else ' class="card"'
    found = re.search(rf'<form method="post"{begins}>(.*?)</form>', text, re.DOTALL)
    assert found
    hidden = re.findall(r'<input type="hidden"\s+name="([^"]*)"\s+value="([^"]*)"', found[1])
    return desk.post(url, {**dict(hidden), **typed})


def test_somebody_known_comes_in_at_the_site_of_the_tab(
    desk: Client, riverside: Site, hilltop: Site, member: Person
) -> None:
    first = tab(desk, riverside, q="Odile")
    tab(desk, hilltop)

    came = send(desk, first, "desk-arrives")

    assert Visit.objects.get(person=member).site == riverside
    assert came.headers["location"] == reverse("desk-person", args=[member.reference])


def test_unnamed_are_counted_at_the_site_of_the_tab(desk: Client, riverside: Site, hilltop: Site) -> None:
    first = tab(desk, riverside)
    tab(desk, hilltop)

    counted = send(desk, first, "desk-arrives", headcount="3", age_band=AgeBand.NOT_SAID)

    assert "Hilltop</option>" in first
    assert [(visit.site, visit.headcount) for visit in Visit.objects.all()] == [(riverside, 3)]
    assert "selected>Riverside" in desk.get(counted.headers["location"]).content.decode()


def test_newcomer_is_a_member_of_the_site_of_the_tab(desk: Client, riverside: Site, hilltop: Site) -> None:
    url = link(tab(desk, riverside), "desk-welcome")
    asked = desk.get(url).content.decode()
    tab(desk, hilltop)

    send(desk, asked, "desk-welcome", first_name="Odette", last_name="Brun")

    odette = Person.objects.get(first_name="Odette")
    assert (odette.role_grants.get().site, odette.visits.get().site) == (riverside, riverside)


def test_group_is_reserved_at_the_site_of_the_tab(desk: Client, riverside: Site, hilltop: Site) -> None:
    machine = make_machine(site=riverside)
    asked = desk.get(link(tab(desk, riverside), "desk-groups")).content.decode()
    tab(desk, hilltop)

    send(desk, asked, "desk-groups", machines=[machine.pk], dates="", **GROUP)

    assert [made.site for made in Reservation.objects.all()] == [riverside]


@pytest.mark.parametrize("name", ["desk-welcome", "desk-groups", "desk-calls", "desk-loans", "desk-today"])
def test_links_of_a_tab_stay_at_its_site(desk: Client, riverside: Site, name: str) -> None:
    assert f"site={riverside.slug}" in link(tab(desk, riverside), name)


@pytest.mark.parametrize("name", ["desk-welcome", "desk-groups", "desk-calls", "desk-person"])
def test_way_back_leads_to_the_desk_that_one_came_from(
    desk: Client, riverside: Site, hilltop: Site, member: Person, name: str
) -> None:
    args = [member.reference] if name == "desk-person" else []
    text = desk.get(reverse(name, args=args), {"site": riverside.slug}).content.decode()
    content = text[text.index('<p class="back">') :]

    assert link(content, "desk") == f"{reverse('desk')}?site={riverside.slug}"


def test_live_part_asks_for_its_own_site_and_leaves_the_last_one_used_alone(
    desk: Client, riverside: Site, hilltop: Site, member: Person
) -> None:
    Visit.objects.create(site=riverside, person=member, arrived_at=timezone.now())
    asks = re.search(r'hx-get="([^"]*)"', tab(desk, riverside))
    tab(desk, hilltop)

    live = desk.get(unescape(asks[1]), headers={"HX-Request": "true"}).content.decode()

    assert "Odile Faure" in live
    assert "selected>Hilltop" in desk.get(reverse("desk")).content.decode()


def test_tap_on_a_line_comes_back_to_the_desk_of_that_line(
    desk: Client, riverside: Site, hilltop: Site, member: Person
) -> None:
    now = timezone.now()
    made = hold(make_machine(site=riverside), member, now + minutes(30), now + minutes(90))
    visit = Visit.objects.create(site=riverside, person=member, arrived_at=now)

    for name, args in (("desk-reservation", [made.reference, "cancel"]), ("desk-leaves", [visit.pk])):
        tab(desk, hilltop)
        after = desk.post(reverse(name, args=args), follow=True)

        assert "selected>Riverside" in after.content.decode()


def test_site_of_others_is_none_of_theirs(desk: Client, riverside: Site) -> None:
    foreign = make_site(name="Elsewhere")

    desk.post(reverse("desk-arrives"), {"site": foreign.slug, "headcount": "1", "age_band": AgeBand.NOT_SAID})

    assert not Visit.objects.filter(site=foreign).exists()
