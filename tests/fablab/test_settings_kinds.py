"""Categories and qualifications belong to the whole lab: who manages one place does not change another's rules."""

import pytest
from django.urls import reverse
from django.utils import translation

from machines.forms import LENGTH_NAMES
from people.models import Role
from tests.fablab.settings_pages import open_site, signed_in, words_of
from tests.factories import give_role, make_category, make_machine, make_person, make_qualification, make_site

pytestmark = pytest.mark.django_db


@pytest.fixture
def lab():
    home, other = open_site(), make_site(name="Hilltop")
    learnt = make_qualification()
    category = make_category(qualification=learnt)
    make_machine(site=home, category=category)
    return {"home": home, "other": other, "learnt": learnt, "category": category}


def person_with(lab, roles: list[tuple[Role, str]]):
    person = make_person()
    for role, place in roles:
        give_role(person=person, site=lab[place], role=role)
    return person


@pytest.mark.parametrize("kind", ["category", "learnt"])
@pytest.mark.parametrize(
    ("roles", "may_change"),
    [
        ([(Role.FAB_MANAGER, "home")], False),
        ([(Role.FAB_MANAGER, "home"), (Role.SUPERVISOR, "other")], False),
        ([(Role.FAB_MANAGER, "home"), (Role.FAB_MANAGER, "other")], True),
        ([(Role.ADMINISTRATOR, "home")], True),
    ],
    ids=["one place", "supervisor of the other", "both places", "administrator"],
)
def test_kind_used_elsewhere_is_read_only_unless_all_is_theirs(lab, kind, roles, may_change):
    make_machine(site=lab["other"], category=lab["category"])
    browser = signed_in(person_with(lab, roles))
    name = "settings-category" if kind == "category" else "settings-qualification"
    path = reverse(name, args=[lab[kind].slug])

    page, posted = browser.get(path), browser.post(path, {"name_fr": ""})

    assert page.status_code == 200
    assert ("Machines at Hilltop use it too" in words_of(page)) is not may_change
    assert (b"<fieldset disabled" in page.content) is not may_change
    assert posted.status_code == (200 if may_change else 403)


def test_kind_used_at_home_only_stays_the_manager_s(lab):
    browser = signed_in(person_with(lab, [(Role.FAB_MANAGER, "home")]))

    page = browser.get(reverse("settings-category", args=[lab["category"].slug]))

    assert b"<fieldset disabled" not in page.content


@pytest.mark.parametrize(
    ("ticked", "said"),
    [
        ({"is_seat": "on", "is_lent": "on"}, "A seat stays in the place"),
        ({"is_seat": "on"}, ""),
        ({"is_lent": "on"}, ""),
    ],
    ids=["both", "a seat", "lent"],
)
def test_seat_that_leaves_the_place_is_refused_beside_its_box(lab, ticked, said):
    translation.activate("en")
    browser = signed_in(person_with(lab, [(Role.FAB_MANAGER, "home")]))
    path = reverse("settings-category", args=[lab["category"].slug])
    lengths = {"shortest": "30", "longest": "60", "window": "90"}
    data = {"name_fr": "PC", "name_en": "PCs", "icon": "tools", "position": "0", "risk_level": "0", "grid_min": "15",
            "qualification_level": "2", "attendance": "throughout"}  # fmt: skip
    for name in LENGTH_NAMES:
        data |= {f"{name}_0": lengths.get(name, "0"), f"{name}_1": "min"}

    page = browser.post(path, data | ticked)

    lab["category"].refresh_from_db()
    errors = {} if page.status_code == 302 else page.context["form"].errors
    assert list(errors) == (["is_lent"] if said else [])
    assert said in str(errors)
    assert lab["category"].is_seat == (not said and "is_seat" in ticked)
