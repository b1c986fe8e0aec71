"""The first day, question by question: answers are kept, changed and never doubled."""

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.urls import reverse

from fablab.first_run.rooms import changes, names_in
from fablab.first_run.services import USUAL_WEEK
from machines.models import OpeningHours, Room, Unit
from people.lab import current_lab
from people.models import Person, Role, RoleGrant, Site
from tests.fablab.first_run_pages import ADMINISTRATOR, HOURS, PASSWORD, PLACE, STEPS, answer, begun, here, page

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return begun()


BO = {"first_name": "Bo", "last_name": "Petit", "email": "", "role": "mediator"}


# --- administrator ----------------------------------------------------------------------------------------------------


def test_administrator_is_made_signed_in_and_may_do_everything() -> None:
    client = here("fr")

    assert answer(client, "administrator", ADMINISTRATOR) == page("place")

    person = Person.objects.get()
    assert client.session["_auth_user_id"] == str(person.pk)
    assert (person.is_superuser, person.is_staff, person.language) == (True, True, "fr")
    assert person.check_password(PASSWORD)
    assert EmailAddress.objects.get(user=person).email == "ada@example.org"


def test_administrator_without_email_is_told_the_code() -> None:
    client = here()
    answer(client, "administrator", ADMINISTRATOR | {"email": ""})

    body = client.get(page("place")).content.decode()

    assert Person.objects.get().card_code in body
    assert not EmailAddress.objects.exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"first_name": ""}, "first_name"),
        ({"email": "nonsense"}, "email"),
        ({"password": ""}, "password"),
        ({"password": "short"}, "password"),
    ],
    ids=["no name", "no address", "no password", "short"],
)
def test_administrator_is_asked_again(change: dict[str, str], field: str) -> None:
    errors = answer(here(), "administrator", ADMINISTRATOR | change)

    assert field in errors
    assert not Person.objects.exists()


def test_going_back_changes_the_administrator_and_makes_no_second(client: Client) -> None:
    assert b'value="Ada"' in client.get(page("administrator")).content

    changed = {"first_name": "Adèle", "last_name": "", "email": "adele@example.org", "password": ""}
    assert answer(client, "administrator", changed) == page("place")

    person = Person.objects.get()
    assert (person.first_name, person.check_password(PASSWORD)) == ("Adèle", True)
    assert list(EmailAddress.objects.values_list("email", flat=True)) == ["adele@example.org"]
    assert client.get(page("place")).status_code == 200


def test_new_password_keeps_the_administrator_signed_in(client: Client) -> None:
    answer(client, "administrator", ADMINISTRATOR | {"password": "another long sentence"})

    assert client.get(page("place")).status_code == 200


# --- place and hours --------------------------------------------------------------------------------------------------


def test_place_is_made_once_and_changed_after(client: Client) -> None:
    assert answer(client, "place", PLACE | {"name": "Le Lieu", "time_zone": "Indian/Reunion"}) == page("hours")

    site = Site.objects.get()
    assert (site.name, site.slug, site.time_zone, current_lab().name) == (
        "Le Lieu",
        "les-halles",
        "Indian/Reunion",
        "Le Lieu",
    )
    assert list(RoleGrant.objects.values_list("role", flat=True)) == [Role.ADMINISTRATOR]
    assert b'value="Le Lieu"' in client.get(page("place")).content


@pytest.mark.parametrize("change", [{"name": ""}, {"time_zone": "Mars/Olympus"}, {"holiday_country": "ZZ"}])
def test_place_that_makes_no_sense_is_asked_again(change: dict[str, str]) -> None:
    client = here()
    answer(client, "administrator", ADMINISTRATOR)

    assert next(iter(change)) in answer(client, "place", PLACE | change)
    assert not Site.objects.exists()


def week() -> list[tuple[int, str, str]]:
    rows = OpeningHours.objects.order_by("weekday", "opens")
    return [(row.weekday, f"{row.opens:%H:%M}", f"{row.closes:%H:%M}") for row in rows]


def test_hours_are_replaced_not_added(client: Client) -> None:
    answer(client, "hours", HOURS)
    answer(client, "hours", HOURS | {"days": ["3", "7"], "closes": "00:00"})

    assert week() == [(3, "09:00", "00:00"), (7, "09:00", "00:00")]
    body = client.get(page("hours")).content.decode()
    assert 'value="09:00"' in body
    assert body.count("checked") == 2


def test_unknown_hours_are_the_usual_ones(client: Client) -> None:
    response = client.post(page("hours"), {"unknown": "1", "opens": "nonsense"}, follow=True)

    assert [day for day, _opens, _closes in week()] == list(USUAL_WEEK)
    assert b"from Tuesday to Saturday" in response.content


@pytest.mark.parametrize("change", [{"days": []}, {"opens": ""}, {"closes": "08:00"}])
def test_hours_that_make_no_sense_are_asked_again(client: Client, change: dict[str, object]) -> None:
    assert answer(client, "hours", HOURS | change) != page("rooms")
    assert week() == []


# --- rooms ------------------------------------------------------------------------------------------------------------


def rooms() -> list[str]:
    return list(Room.objects.order_by("pk").values_list("name", flat=True))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ([], ["A", "B"], ([], {}, ["A", "B"])),
        (["A", "B"], ["A", "B"], ([], {}, [])),
        (["A", "B"], ["B", "A"], ([], {}, [])),
        (["A", "B"], ["A", "C"], ([], {1: "C"}, [])),
        (["A", "B"], ["B", "C"], ([0], {}, ["C"])),
        (["A", "B"], ["a", "B"], ([], {0: "a"}, [])),
        (["A", "B"], [], ([0, 1], {}, [])),
        (["A"], ["X", "Y"], ([], {0: "X"}, ["Y"])),
        (["A", "B", "C"], ["C", "D", "A"], ([1], {}, ["D"])),
    ],
    ids=["first", "same", "order", "written over", "gone and new", "capitals", "all gone", "more", "all at once"],
)
def test_rooms_change_as_little_as_the_list(old: list[str], new: list[str], expected: object) -> None:
    assert changes(old, new) == expected


def test_room_names_are_one_a_line() -> None:
    assert names_in(" Atelier \n\n\tatelier\r\nSalle  B\n") == ["Atelier", "Salle B"]


def test_rooms_are_made_renamed_and_removed(client: Client) -> None:
    assert answer(client, "rooms", {"names": "Workshop\nHall"}) == page("machines")
    kept = Room.objects.get(name="Workshop").pk

    answer(client, "rooms", {"names": "Wood workshop\nHall\nAttic"})
    answer(client, "rooms", {"names": "Wood workshop\nAttic"})

    assert rooms() == ["Wood workshop", "Attic"]
    assert Room.objects.get(name="Wood workshop").pk == kept
    assert Unit.objects.filter(kind=Unit.Kind.ROOM).count() == 2
    assert b"Wood workshop\nAttic" in client.get(page("rooms")).content


def test_no_room_is_an_answer(client: Client) -> None:
    assert answer(client, "rooms", {"names": ""}) == page("machines")


def test_room_with_machines_is_not_removed_behind_their_back(client: Client) -> None:
    answer(client, "rooms", {"names": "Workshop"})
    workshop = str(Room.objects.get().pk)
    answer(client, "machines", {"laptop-count": "2", "laptop-room": workshop})

    errors = answer(client, "rooms", {"names": ""})

    assert "“Workshop” stays" in errors
    assert rooms() == ["Workshop"]


@pytest.mark.parametrize("names", ["x" * 81, "\n".join(f"Room {n}" for n in range(61))], ids=["long", "many"])
def test_rooms_that_are_too_much_are_asked_again(client: Client, names: str) -> None:
    assert "names" in answer(client, "rooms", {"names": names})
    assert rooms() == []


# --- modules, the last look, and the end ------------------------------------------------------------------------------


def test_modules_that_are_not_wanted_are_off(client: Client) -> None:
    assert answer(client, "modules", {"desk": "on", "kiosk": "on"}) == page("check")

    assert set(current_lab().modules_off) == {"printing", "devices", "teams", "board", "api"}
    assert client.get(page("modules")).content.count(b"checked") == 2


def test_last_look_shows_every_answer_and_opens_the_lab(client: Client) -> None:
    answer(client, "hours", HOURS)
    answer(client, "rooms", {"names": "Workshop"})
    answer(client, "machines", {"laptop-count": "2"})
    answer(client, "team", BO)

    body = client.get(page("check")).content.decode()
    opened = client.post(page("check"))

    for words in ("Ada Martin", "Les Halles", "09:00 – 17:30", "Workshop", "Laptops: 2", "Bo Petit", "print their"):
        assert words in body
    assert opened["Location"] == reverse("first-run-done")
    assert current_lab().set_up_at is not None
    assert client.get(reverse("first-run-done")).status_code == 200


def test_change_from_the_last_look_goes_back_to_it(client: Client) -> None:
    assert answer(client, "rooms", {"names": "Hall"}, "?change=1") == page("check")


@pytest.mark.parametrize("slug", STEPS)
def test_after_the_end_the_questions_are_gone(client: Client, slug: str) -> None:
    client.post(page("check"))

    assert client.get(page(slug)).status_code == 404
    assert client.post(page(slug), PLACE).status_code == 404
    assert client.get(reverse("first-run")).status_code == 404


# --- leaving and coming back ------------------------------------------------------------------------------------------


def test_order_of_the_questions_is_kept(client: Client) -> None:
    leads_to = [
        answer(client, "hours", HOURS),
        answer(client, "rooms", {"names": "Hall"}),
        answer(client, "machines", {"laptop-count": "1"}),
        answer(client, "team", {"go-on": "1"}),
        answer(client, "modules", {}),
    ]

    assert leads_to == [page(slug) for slug in STEPS[3:]]


def test_questions_ahead_wait_for_the_place() -> None:
    client = here()
    before = [client.get(page(slug))["Location"] for slug in STEPS[1:]]
    answer(client, "administrator", ADMINISTRATOR)
    after = [client.get(page(slug))["Location"] for slug in STEPS[2:]]

    assert set(before + after) == {reverse("first-run")}


@pytest.mark.parametrize(
    ("answers", "slug"),
    [
        ([], "hours"),
        ([("hours", HOURS)], "rooms"),
        ([("hours", HOURS), ("rooms", {"names": "Hall"})], "machines"),
        ([("hours", HOURS), ("machines", {"laptop-count": "1"})], "team"),
        ([("hours", HOURS), ("machines", {"laptop-count": "1"}), ("team", BO)], "modules"),
        ([("hours", HOURS), ("modules", {"desk": "on"})], "check"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_coming_back_in_another_browser_goes_on_where_one_was(
    client: Client, answers: list[tuple[str, dict]], slug: str
) -> None:
    for asked, data in answers:
        answer(client, asked, data)
    other = here()
    other.force_login(Person.objects.get(is_superuser=True), backend="people.sign_in_backends.PersonBackend")

    assert other.get(reverse("first-run"))["Location"] == page(slug)


def test_coming_back_in_the_same_browser_goes_on_at_the_furthest_question(client: Client) -> None:
    client.get(page("modules"))
    client.get(page("hours"))

    assert client.get(reverse("first-run"))["Location"] == page("modules")


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("slug", STEPS)
def test_every_question_says_where_it_stands_and_leads_back(client: Client, slug: str, language: str) -> None:
    client.cookies["fablab_language"] = language

    body = client.get(page(slug)).content.decode()

    assert f"Question {STEPS.index(slug) + 1} " in body
    if slug != "administrator":
        assert f'href="{page(STEPS[STEPS.index(slug) - 1])}"' in body
