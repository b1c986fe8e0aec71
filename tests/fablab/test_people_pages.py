"""The pages about people, as the team walks through them; and that one site sees nothing personal of another."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from machines.models import QualificationGrant
from people.models import FileAccess, Household, Person, Role, Site, Suspension, Team, Visit
from people.services import register_person
from tests.factories import give_role, grant, make_person, make_qualification, make_site, make_staff, make_team

pytestmark = pytest.mark.django_db


@pytest.fixture
def site() -> Site:
    return make_site(name="Riverside")


@pytest.fixture
def mediator(site) -> Person:
    return make_staff(site=site, role=Role.MEDIATOR, first_name="Inès", last_name="Moreno")


def browser(person: Person) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(person, backend="people.sign_in_backends.PersonBackend")
    return client


def member(site: Site, **fields: object) -> Person:
    person = make_person(**fields)
    give_role(person=person, site=site)
    return person


def file_url(person: Person) -> str:
    return reverse("people-person", args=[person.reference])


# --- find or create ---------------------------------------------------------------------------------------------


def test_newcomer_is_on_file_with_four_fields(site, mediator):
    four = {"first_name": "Odile", "last_name": "Faure", "birth_year": "1948", "town": "Redon"}

    response = browser(mediator).post(reverse("people-new"), four)

    person = Person.objects.get(first_name="Odile")
    assert response.url == file_url(person)
    assert (person.town, person.role_grants.get().site, person.registered_by) == ("Redon", site, mediator)


def test_likely_same_person_is_shown_before_another_is_made(site, mediator):
    known, client = member(site, first_name="Odile", last_name="Faure", birth_year=1948), browser(mediator)
    four = {"first_name": "Odille", "last_name": "FAURE", "birth_year": "1948", "town": "Redon"}

    asked = client.post(reverse("people-new"), four)
    shown = asked.content.decode()

    assert file_url(known) in shown
    assert "It is the same person" in shown
    assert Person.objects.filter(sort_name__startswith="faure").count() == 1

    client.post(reverse("people-new"), four | {"anyway": "1"})

    assert Person.objects.filter(sort_name__startswith="faure").count() == 2


def test_child_is_asked_for_an_adult_in_the_same_form_and_one_on_file_is_offered(site, mediator):
    adult, client = member(site, first_name="Ana", last_name="Roy", birth_year=1985), browser(mediator)
    child = {"first_name": "Nino", "last_name": "Petit", "birth_year": str(timezone.now().year - 9), "town": ""}

    first = client.post(reverse("people-new"), child)
    second = client.post(reverse("people-new"), child | {"guardian_name": "Ana Roy", "guardian_phone": ""})
    third = client.post(
        reverse("people-new"),
        child | {"guardian_name": "Ana Roy", "guardian_phone": "", "guardian": adult.reference},
    )

    assert "who is the responsible adult?" in first.content.decode()
    assert adult.reference in second.content.decode()
    assert third.status_code == 302
    assert Person.objects.get(first_name="Nino").guardian == adult


def test_child_of_an_adult_who_is_not_on_file_needs_a_telephone(mediator):
    client = browser(mediator)
    child = {"first_name": "Nino", "birth_year": str(timezone.now().year - 9), "guardian_name": "Ana Roy"}

    refused = client.post(reverse("people-new"), child | {"guardian_phone": ""})
    done = client.post(reverse("people-new"), child | {"guardian_phone": "06 11 22 33 44"})

    assert (refused.status_code, "can be called" in refused.content.decode()) == (400, True)
    assert "Nino" in refused.content.decode()
    assert done.status_code == 302
    assert Person.objects.get(first_name="Nino").guardian_phone == "06 11 22 33 44"


@pytest.mark.parametrize(
    ("query", "is_found"),
    [("?q=lefevre", True), ("?q=06+12+34", True), ("?q=nobody", False), ("?here=1", True), ("?page=7", True)],
)
def test_list_finds(site, mediator, query, is_found):
    person = member(site, first_name="Élodie", last_name="Lefèvre", phone="06 12 34 56 78")
    Visit.objects.create(site=site, person=person, arrived_at=timezone.now())

    shown = browser(mediator).get(reverse("people") + query).content.decode()

    assert (file_url(person) in shown) == is_found


@pytest.mark.parametrize("count", [1, 3, 30])
def test_list_takes_the_same_queries_however_many_there_are(site, mediator, django_assert_max_num_queries, count):
    for _number in range(count):
        member(site)
    client = browser(mediator)
    client.get(reverse("people"))

    with django_assert_max_num_queries(13):
        response = client.get(reverse("people"))

    assert response.status_code == 200


# --- the file ---------------------------------------------------------------------------------------------------


def test_each_reading_of_a_file_is_noted(site, mediator):
    person, client = member(site), browser(mediator)

    for _twice in range(2):
        client.get(file_url(person))
    client.get(file_url(mediator))

    assert list(FileAccess.objects.values_list("person", "by", "deed")) == [(person.pk, mediator.pk, "read")]


def test_file_shows_what_was_granted_by_whom(site, mediator):
    person = member(site)
    held = grant(person=person, qualification=make_qualification(name_en="Laser cutting"))
    held.granted_by = mediator
    held.save()

    shown = browser(mediator).get(file_url(person)).content.decode()

    assert "Laser cutting" in shown
    assert "by Inès Moreno" in " ".join(shown.split())


def test_manager_of_another_site_sees_nothing_personal(site):
    person = register_person(
        first_name="Zoé", last_name="Quillfeather", phone="06 99 88 77 66", by=make_staff(site=site),
        now=timezone.now(), site=site,
    )  # fmt: skip
    team = make_team(site=site, members=[person])
    Team.objects.filter(pk=team.pk).update(name="Quillfeather family")
    elsewhere = browser(make_staff(site=make_site(), role=Role.FAB_MANAGER))
    pages = [
        *(reverse("people") + query for query in ("", "?q=Quillfeather", "?q=06998877")), reverse("people-csv"),
        reverse("people-qualify") + f"?person={person.reference}", reverse("manage-teams"),
        reverse("team", args=[team.slug]), file_url(person),
        *(reverse(f"people-{page}", args=[person.reference]) for page in ("edit", "card", "email")),
    ]  # fmt: skip

    texts = [elsewhere.get(page).content.decode() for page in pages]

    assert [page for page, text in zip(pages, texts, strict=True) if "Zoé" in text or "99 88 77" in text] == []
    assert [text for text in texts if "feather family" in text] == []
    assert "Zoé" in browser(make_staff(site=site)).get(reverse("people") + "?q=Quillfeather").content.decode()


def test_relatives_whose_files_are_of_another_site_are_not_linked(site, mediator):
    other_home = make_site()
    home = Household.objects.create(name="Roy", created_at=timezone.now())
    person = member(site, household=home)
    relative = make_person(first_name="Faraway", household=home)
    give_role(person=relative, site=other_home)

    shown = browser(mediator).get(file_url(person)).content.decode()

    assert "Faraway" not in shown


def test_file_is_changed_but_not_the_address_of_somebody_higher(site, mediator):
    person, manager = member(site, phone="1"), make_staff(site=site, role=Role.FAB_MANAGER)
    sent = {"first_name": "Ana", "contact_email": "mine@lab.example", "language": "fr"}
    client = browser(mediator)

    done = client.post(reverse("people-edit", args=[person.reference]), sent)
    refused = client.post(reverse("people-edit", args=[manager.reference]), sent)

    person.refresh_from_db()
    manager.refresh_from_db()
    assert (done.status_code, person.contact_email, person.phone) == (302, "mine@lab.example", "")
    assert (refused.status_code, manager.contact_email) == (400, "")
    assert "higher role" in refused.content.decode()


# --- rights -----------------------------------------------------------------------------------------------------


def test_ten_people_are_qualified_at_once_from_who_is_here(site, mediator):
    people, qualification = [member(site) for _ in range(10)], make_qualification()
    client = browser(mediator)
    ticked = "&".join(f"person={person.reference}" for person in people)

    page = client.get(f"{reverse('people-qualify')}?{ticked}")
    done = client.post(
        reverse("people-qualify"),
        {"person": [p.reference for p in people], "qualification": qualification.pk, "level": 2, "lasts": "1"},
        follow=True,
    )

    assert "To 10 people" in page.content.decode()
    assert "granted to 10 people" in done.content.decode()
    assert QualificationGrant.objects.filter(granted_by=mediator, level=2, expires_at__isnull=False).count() == 10


@pytest.mark.parametrize(
    ("sent", "field"),
    [({"lasts": "other"}, "until"), ({"lasts": "other", "until": "2020-01-01"}, "until"), ({"level": "9"}, "level")],
    ids=["no day", "a day that has passed", "no such level"],
)
def test_grant_that_cannot_be_is_told_beside_its_field(site, mediator, sent, field):
    whole = {"person": member(site).reference, "qualification": make_qualification().pk, "level": 2, "lasts": "never"}

    response = browser(mediator).post(reverse("people-qualify"), whole | sent)

    assert response.status_code == 400
    assert list(response.context["form"].errors) == [field]


def test_suspension_is_told_and_lifted(site, mediator):
    person, client = member(site), browser(mediator)

    client.post(reverse("people-suspend", args=[person.reference]), {"reason": "Left the laser alone"})
    shown = client.get(file_url(person)).content.decode()
    client.post(reverse("people-act", args=[person.reference, "lift-suspension"]))

    assert "Left the laser alone" in shown
    assert not Suspension.objects.holding_at(timezone.now()).exists()


def test_role_is_given_within_ones_reach_and_the_refusal_is_told(site):
    person, client = member(site), browser(make_staff(site=site, role=Role.FAB_MANAGER))
    url = reverse("people-role", args=[person.reference])

    page = client.get(url).content.decode()
    client.post(url, {"role": "mediator"})
    refused = client.post(url, {"role": "administrator"})

    assert "Digital mediator" in page
    assert "Administrator" not in page
    assert refused.status_code == 400
    assert set(person.role_grants.values_list("role", flat=True)) == {"member", "mediator"}


def test_last_administrator_stays_and_the_page_says_why(site):
    administrator = make_staff(site=site, role=Role.ADMINISTRATOR)

    shown = browser(administrator).post(
        reverse("people-act", args=[administrator.reference, "take-role"]),
        {"grant": administrator.role_grants.get().pk},
        follow=True,
    )

    assert "last administrator" in shown.content.decode()
    assert administrator.role_grants.exists()


# --- access -----------------------------------------------------------------------------------------------------


def test_card_is_a_pdf_with_a_code_and_both_are_noted(site, mediator):
    person = member(site, first_name="Odile")

    response = browser(mediator).post(reverse("people-card", args=[person.reference]), {"with_code": "on"})

    assert response["Content-Type"] == "application/pdf"
    assert response.content.startswith(b"%PDF")
    assert "no-store" in response["Cache-Control"]
    assert "Odile" not in response["Content-Disposition"]
    assert set(FileAccess.objects.values_list("deed", flat=True)) == {"read", "code", "card"}


def test_code_is_shown_once_and_kept_nowhere(site, mediator):
    person, client = member(site), browser(mediator)

    shown = client.post(reverse("people-code", args=[person.reference]))
    code = shown.context["code"]

    assert "no-store" in shown["Cache-Control"]
    assert len(code.replace(" ", "")) == 6
    assert code not in client.get(file_url(person)).content.decode()


def test_new_card_kills_the_old_one(site, mediator):
    person = member(site)
    before = person.card_code

    browser(mediator).post(reverse("people-act", args=[person.reference, "new-card"]))

    person.refresh_from_db()
    assert person.card_code != before


# --- teams ------------------------------------------------------------------------------------------------------


def test_team_is_made_and_joined_by_its_link_after_signing_in(site):
    ana, newcomer = make_person(first_name="Ana", last_name="Secret"), make_person(first_name="Lou")
    client = browser(ana)
    client.post(reverse("team-new"), {"name": "Kites"})
    client.post(reverse("team-act", args=["kites", "open-link"]))
    join = reverse("team-join", args=[Team.objects.get().join_code])

    stranger = Client().get(join)
    asked = browser(newcomer).get(join).content.decode()
    browser(newcomer).post(join)

    assert join in stranger.url
    assert "Join “Kites”?" in asked
    assert "Ana invites you" in asked
    assert "Secret" not in asked
    assert set(Team.objects.get().memberships.values_list("person", flat=True)) == {ana.pk, newcomer.pk}


def test_team_page_names_members_by_first_name_and_hides_from_others(site, mediator):
    ana = make_person(first_name="Ana", last_name="Secret")
    team = make_team(site=site, members=[ana])
    url = reverse("team", args=[team.slug])

    shown, refused = browser(mediator).get(url), browser(make_person()).get(url)

    assert "Ana" in shown.content.decode()
    assert "Secret" not in shown.content.decode()
    assert refused.status_code == 404


def test_member_who_is_no_organiser_is_told_so(site):
    team = make_team(site=site, members=[make_person()])
    person = make_person()
    team.memberships.create(person=person)

    shown = browser(person).post(reverse("team-act", args=[team.slug, "open-link"]), follow=True)

    assert "Only the team&#x27;s organisers" in shown.content.decode()


def test_archived_team_leaves_the_lists_and_comes_back(site, mediator):
    ana = make_person()
    team, client = make_team(site=site, members=[ana]), browser(mediator)

    client.post(reverse("manage-team-archive", args=[team.slug, "archive"]))
    mine = browser(ana).get(reverse("teams")).content.decode()
    archived = client.get(reverse("manage-teams") + "?archived=1").content.decode()
    client.post(reverse("manage-team-archive", args=[team.slug, "restore"]))

    assert team.name not in mine
    assert team.name in archived
    assert team.name in browser(ana).get(reverse("teams")).content.decode()
