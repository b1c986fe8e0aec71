"""The lab's row, read along with whoever is signed in."""

import pytest
from django.forms import model_to_dict

from people.lab import current_lab, forget, is_new, lab_for_change, save_lab
from people.models import Lab
from people.sign_in_backends import PersonBackend
from tests.factories import NOW, make_person, make_site

pytestmark = pytest.mark.django_db


def everything_of(lab):
    return model_to_dict(lab) | {"set_up_at": lab.set_up_at, "pk": lab.pk}


def test_lab_that_comes_with_a_person_is_the_row(django_assert_num_queries):
    lab = lab_for_change()
    lab.name, lab.modules_off, lab.set_up_at, lab.welcome_fr = "L’Atelier", ["printing", "api"], NOW, "Bonjour"
    save_lab(lab)
    person = make_person()
    forget()

    with django_assert_num_queries(1):
        PersonBackend().get_user(person.pk)
        found = current_lab()

    assert everything_of(found) == everything_of(Lab.objects.get())
    assert not found._state.adding


def test_lab_without_a_row_comes_with_a_person_too(django_assert_num_queries):
    person = make_person()
    make_site()
    forget()

    with django_assert_num_queries(1):
        PersonBackend().get_user(person.pk)
        answers = (current_lab().name, current_lab()._state.adding, is_new())

    assert answers == ("", True, False)


def test_lab_is_not_read_again_with_the_next_person(django_assert_num_queries):
    person = make_person()
    current_lab()

    with django_assert_num_queries(1) as captured:
        PersonBackend().get_user(person.pk)

    assert "people_lab" not in captured[0]["sql"]
