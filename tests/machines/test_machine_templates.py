"""Every template makes a valid category and machine, with a drawing and an icon that exist."""

import re
from pathlib import Path

import pytest
from django.utils import translation

from machines.machine_lists import Known, folded, parse_machine_list
from machines.machine_templates import BY_SLUG, TEMPLATES, MachineTemplate
from machines.models import Category, Machine, Qualification, RiskLevel, Unit
from tests.factories import make_site

STATIC = Path(__file__).resolve().parents[2] / "fablab" / "static"
each_template = pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.slug)


@each_template
@pytest.mark.django_db
def test_template_makes_a_valid_category_and_machine(template: MachineTemplate) -> None:
    french, english = template.names
    category = Category(slug="kind", name_fr=french, name_en=english, icon=template.icon, **template.settings)
    if wanted := template.qualification:
        category.qualification = Qualification(slug="right", name_fr=wanted.names[0], name_en=wanted.names[1])
        category.qualification.training_fr, category.qualification.training_en = wanted.training
        category.qualification.full_clean()
        category.qualification.save()
        category.qualification_level = wanted.level
    category.full_clean()
    category.save()

    machine = Machine(
        unit=Unit.objects.create(site=make_site()), category=category, name=template.machine_names[0],
        slug="machine", drawing=template.drawing, description_fr=template.descriptions[0],
        description_en=template.descriptions[1],
    )  # fmt: skip

    machine.full_clean()
    assert machine.booking.longest >= machine.booking.shortest


@each_template
def test_template_is_drawn(template: MachineTemplate) -> None:
    symbols = re.findall(r'id="i-([a-z0-9-]+)"', (STATIC / "icons.svg").read_text())

    assert template.icon in symbols
    assert (STATIC / "machines" / f"{template.drawing}.svg").exists()


@each_template
def test_dangerous_kinds_want_a_qualification(template: MachineTemplate) -> None:
    risk = template.settings.get("risk_level", RiskLevel.NONE)

    assert (template.qualification is not None) == (risk > RiskLevel.NONE)


def test_templates_are_told_apart_by_slug_and_names() -> None:
    names = [name for template in TEMPLATES for name in template.names]

    assert len(BY_SLUG) == len(TEMPLATES) == 9
    assert len(set(names)) == len(names)


def test_only_public_computers_are_seats() -> None:
    assert [template.slug for template in TEMPLATES if template.settings.get("is_seat")] == ["public-pc"]


def test_no_word_means_two_templates() -> None:
    owners: dict[str, set[str]] = {}
    for template in TEMPLATES:
        for word in (*template.names, *template.machine_names, *template.aliases, template.slug):
            owners.setdefault(folded(word), set()).add(template.slug)

    assert {word: slugs for word, slugs in owners.items() if len(slugs) > 1} == {}


@pytest.mark.parametrize(("language", "name"), [("fr", "Imprimante 3D"), ("en", "3D printer")])
def test_name_is_in_the_readers_language(language: str, name: str) -> None:
    with translation.override(language):
        found = BY_SLUG["fdm-printer"].machine_name

    assert found == name


@each_template
@pytest.mark.parametrize("language", ["fr", "en"])
def test_list_may_name_a_template_as_people_do(template: MachineTemplate, language: str) -> None:
    with translation.override(language):
        rows = parse_machine_list(f"A; {template.machine_name}\nB; {template.name.upper()}", Known())

    assert [row.template for row in rows] == [template, template]
