"""Rules to sign on pages: written and published, read and signed, and the way back to where one was refused."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from machines.house_rules import publish_rules
from machines.models import HouseRules, RulesSignature
from people.models import Role
from reservations.models import Reservation
from tests.fablab.settings_pages import open_site, signed_in, words_of
from tests.factories import give_role, make_machine, make_person, make_site, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def site():
    return open_site()


@pytest.fixture
def person(site):
    who = make_person(first_name="Ines", last_name="Moreau")
    give_role(person=who, site=site)
    return who


@pytest.fixture
def rules(site, manager):
    return publish_rules(
        place=site, text_fr="Fermez le capot.", text_en="Close the lid.", by=manager, now=timezone.now()
    )


def confirm_url(machine):
    day = timezone.now().astimezone(machine.site.zone).date() + dt.timedelta(days=1)
    return f"{reverse('reserve-confirm')}?machine={machine.slug}&day={day.isoformat()}&start=10:00&end=11:00"


def test_manager_looks_first_and_then_publishes(manager_client, site):
    url, texts = reverse("rules-to-sign-site", args=[site.slug]), {"text_fr": "Oui.", "text_en": "Yes."}

    seen = words_of(manager_client.post(url, texts | {"preview": "1"}))
    before = HouseRules.objects.count()
    answer = manager_client.post(url, texts)

    assert "So people will read it" in seen
    assert (before, answer.status_code, HouseRules.objects.get().text_en) == (0, 302, "Yes.")


@pytest.mark.parametrize(
    ("texts", "said", "not_said"),
    [
        pytest.param(
            {"text_fr": "Oui.", "text_en": ""}, "The English text is still missing", "Publish it like", id="fr"
        ),
        pytest.param(
            {"text_fr": "", "text_en": "Yes."}, "The French text is still missing", "Publish it like", id="en"
        ),
        pytest.param({"text_fr": "Oui.", "text_en": "Yes."}, "Publish it like this", "still missing", id="both"),
    ],
)
def test_one_language_is_enough_to_look_at(manager_client, site, texts, said, not_said):
    page = manager_client.post(reverse("rules-to-sign-site", args=[site.slug]), texts | {"preview": "1"})

    seen = words_of(page)
    assert page.status_code == 200
    assert (said in seen, not_said in seen) == (True, False)
    assert [page.context["form"][name].value() for name in texts] == list(texts.values())


def test_there_is_nothing_to_look_at(manager_client, site):
    url = reverse("rules-to-sign-site", args=[site.slug])

    page = manager_client.post(url, {"text_fr": " ", "text_en": "", "preview": "1"})

    assert (page.status_code, "there is nothing to look at" in words_of(page)) == (400, True)


def test_both_languages_are_needed_to_publish(manager_client, site):
    page = manager_client.post(reverse("rules-to-sign-site", args=[site.slug]), {"text_fr": "Oui.", "text_en": ""})

    assert (page.status_code, HouseRules.objects.exists()) == (400, False)


def test_rules_are_read_as_lists_and_never_as_html(manager_client, site, manager, person):
    text = "## Fire\n- Close the **lid**\n- <script>alert(1)</script>"
    rules = publish_rules(place=site, text_fr=text, text_en=text, by=manager, now=timezone.now())

    read = signed_in(person).get(reverse("me-rules-sign", args=[rules.pk])).content.decode()
    looked_at = manager_client.get(reverse("rules-to-sign-site", args=[site.slug])).content.decode()

    for page, level in ((read, 2), (looked_at, 3)):
        assert f"<h{level}>Fire</h{level}>\n<ul>\n<li>Close the <strong>lid</strong></li>" in page
        assert "<li>&lt;script&gt;alert(1)&lt;/script&gt;</li>" in page


def test_same_text_again_is_refused_with_what_was_typed(manager_client, site, rules):
    url = reverse("rules-to-sign-site", args=[site.slug])

    answer = manager_client.post(url, {"text_fr": "Fermez le capot.", "text_en": "Close the lid."})

    assert answer.status_code == 400
    assert "nobody needs to sign it again" in words_of(answer)
    assert HouseRules.objects.count() == 1


def test_manager_sees_who_has_signed_and_who_has_not(manager_client, site, rules, person):
    late = make_person(first_name="Paul", last_name="Late")
    give_role(person=late, site=site)
    RulesSignature.objects.create(person=person, rules=rules, signed_at=timezone.now())

    page = words_of(manager_client.get(reverse("rules-to-sign-site", args=[site.slug])))

    assert "1 person has signed Ines Moreau" in page
    assert "Paul Late" in page.split("1 person has signed")[0]


def test_refusal_leads_to_the_rules_and_back_to_the_reservation(site, rules, person):
    machine, browser = make_machine(site=site), signed_in(person)
    url = confirm_url(machine)

    refused = browser.get(url)
    way = next(sentence.way for sentence in refused.context["denials"] if sentence.code == "rules_unsigned")
    read = browser.get(way.url)
    signed = browser.post(way.url.partition("?")[0], {"next": read.context["back"]})

    assert "Close the lid." in words_of(read)
    assert signed.headers["Location"] == url
    assert not browser.get(url).context.get("denials")
    assert RulesSignature.objects.get().witness is None


def test_refused_form_is_returned_to_with_what_was_chosen(site, rules, person):
    machine, browser = make_machine(site=site), signed_in(person)
    data = dict(pair.split("=") for pair in confirm_url(machine).partition("?")[2].split("&"))

    refused = browser.post(reverse("reserve-confirm"), data)
    way = refused.context["denials"][0].way
    back = browser.get(way.url).context["back"]

    assert refused.status_code == 409
    assert browser.get(back).status_code == 200
    assert f"machine={machine.slug}" in back
    assert not Reservation.objects.exists()


@pytest.mark.parametrize("elsewhere", ["https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)"])
def test_signing_leads_to_no_other_site(rules, person, elsewhere):
    answer = signed_in(person).post(reverse("me-rules-sign", args=[rules.pk]), {"next": elsewhere})

    assert answer.headers["Location"] == reverse("me-rules")


def test_old_version_leads_to_the_new_one(site, rules, person, manager):
    newest = publish_rules(place=site, text_fr="Neuf", text_en="New", by=manager, now=timezone.now())
    browser, url = signed_in(person), reverse("me-rules-sign", args=[rules.pk])

    answers = [browser.get(url), browser.post(url)]

    assert [answer.headers["Location"] for answer in answers] == [reverse("me-rules-sign", args=[newest.pk])] * 2
    assert not RulesSignature.objects.exists()


def test_own_page_lists_what_waits_and_what_was_signed(site, rules, person):
    browser = signed_in(person)

    before = words_of(browser.get(reverse("me-rules")))
    on_me = words_of(browser.get(reverse("me")))
    browser.post(reverse("me-rules-sign", args=[rules.pk]))
    after = words_of(browser.get(reverse("me-rules")))

    assert "Riverside version 1" in before
    assert "1 text to read and sign" in on_me
    assert "Nothing waits for your signature." in after
    assert "version 1, signed" in after


def test_paper_is_signed_from_the_file_with_the_witness_named(site, rules, person):
    mediator = make_staff(site=site, role=Role.MEDIATOR, first_name="Lou", last_name="Witness")
    browser = signed_in(mediator)

    answer = browser.post(reverse("people-rules-sign", args=[person.reference, rules.pk]))
    page = words_of(browser.get(reverse("people-rules", args=[person.reference])))

    assert answer.status_code == 302
    assert RulesSignature.objects.get().witness == mediator
    assert "on paper before Lou Witness" in page


def test_team_of_another_place_is_no_witness(site, rules, person):
    stranger = make_staff(site=make_site(), role=Role.FAB_MANAGER)
    give_role(person=person, site=stranger.role_grants.get().site)

    answer = signed_in(stranger).post(reverse("people-rules-sign", args=[person.reference, rules.pk]))

    assert answer.status_code == 404
    assert not RulesSignature.objects.exists()


def test_withdrawn_rules_stand_in_nobodys_way(manager_client, site, rules, person):
    machine = make_machine(site=site)

    manager_client.post(reverse("rules-to-sign-withdraw", args=["places", site.slug]))

    assert not signed_in(person).get(confirm_url(machine)).context.get("denials")
    assert "Nothing waits" in words_of(signed_in(person).get(reverse("me-rules")))
    assert "withdrawn" in words_of(manager_client.get(reverse("rules-to-sign-site", args=[site.slug])))
