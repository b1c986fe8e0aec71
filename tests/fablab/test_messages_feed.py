"""One’s messages for a feed reader: valid Atom, under the secret address of one’s calendar, and nobody else’s."""

import datetime as dt
import xml.etree.ElementTree as ET

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from people.models import Notice, Person, Role
from people.notices import tell
from people.notices.inbox import unread_count
from people.notices.team import tell_team
from people.services import grant_role
from reservations.feeds import make_feed, messages_seal, revoke_feed
from tests.factories import make_machine, make_person, make_site, make_staff, minutes

pytestmark = pytest.mark.django_db

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def person():
    make_site()
    return make_person(language="en")


@pytest.fixture
def token(person):
    return make_feed(person=person, by=person, now=timezone.now())[1]


def told(person, what="Laser", *, key="k", hours_ago=1.0, link="/me/", **params):
    now = timezone.now()
    start = now + dt.timedelta(days=2)
    params = {
        "what": what,
        "zone": "UTC",
        "start": start.isoformat(),
        "end": (start + minutes(60)).isoformat(),
    } | params
    notice = tell(person=person, kind="reservation_cancelled", key=key, params=params, now=now, link=link)
    Notice.objects.filter(pk=notice.pk).update(due_at=now - dt.timedelta(hours=hours_ago))
    return notice


def read(token, **headers):
    return Client(headers=headers).get(reverse("messages-feed", args=[token, messages_seal(token)]))


def root_of(response):
    assert response.status_code == 200
    return ET.fromstring(response.content)


def texts(root, path):
    return [found.text for found in root.findall("/".join(f"{ATOM}{name}" for name in path.split("/")))]


def test_feed_has_all_that_rfc_4287_asks_for(person, token, settings):
    told(person)

    response = read(token)
    root = root_of(response)

    links = {link.get("rel"): link.get("href") for link in root.findall(f"{ATOM}link")}
    assert response["Content-Type"] == "application/atom+xml; charset=utf-8"
    assert root.tag == f"{ATOM}feed"
    assert root.get("{http://www.w3.org/XML/1998/namespace}lang") == "en"
    assert links["self"] == f"{settings.ADDRESSES[0]}/calendar/{token}/{messages_seal(token)}.atom"
    for path in ("id", "title", "updated", "author/name", "entry/id", "entry/title", "entry/updated"):
        assert len([text for text in texts(root, path) if text]) == 1, path
    assert all(text.startswith("urn:uuid:") for text in texts(root, "id") + texts(root, "entry/id"))
    assert token not in texts(root, "id")[0]
    (updated,) = {dt.datetime.fromisoformat(text) for text in texts(root, "updated") + texts(root, "entry/updated")}
    assert updated.tzinfo is not None
    assert root.find(f"{ATOM}entry/{ATOM}link").get("href") == f"{settings.ADDRESSES[0]}/me/"


def test_feed_of_nobody_who_was_told_anything_is_valid_and_stays_the_same(token):
    first, second = read(token), read(token)

    assert texts(root_of(first), "updated")
    assert first.content == second.content


def test_titles_are_in_the_persons_language(person, token):
    type(person).objects.update(language="fr")
    told(person)

    (title,) = texts(root_of(read(token)), "entry/title")

    assert "Cancelled" not in title
    assert "Laser" in title


def test_last_fifty_newest_first_and_none_becomes_read(person, token):
    for n in range(52):
        told(person, f"Laser {n}", key=f"k{n}", hours_ago=n + 1)

    titles = texts(root_of(read(token)), "entry/title")

    assert len(titles) == 50
    assert "Laser 0," in titles[0]
    assert "Laser 49," in titles[-1]
    assert unread_count(person=person, now=timezone.now()) == 52


def test_what_is_to_be_told_later_is_not_there_yet(person, token):
    told(person, hours_ago=-1)

    assert texts(root_of(read(token)), "entry/title") == []


def test_nothing_of_others_is_there(person, token):
    told(make_person(), "Milling machine of the neighbour")

    assert "neighbour" not in read(token).content.decode()


def test_what_no_xml_can_hold_is_left_out_and_markup_stays_words(person, token):
    told(person, "A\u0008\ufffe<script>&amp;", why="</summary><b>\u001b")

    root = root_of(read(token))

    assert "A<script>&amp;," in texts(root, "entry/title")[0]
    assert "&lt;b&gt;" in texts(root, "entry/summary")[0]


def test_reader_that_has_it_already_is_told_so(person, token):
    told(person)
    mark = read(token)["ETag"]

    same = read(token, if_none_match=mark)
    told(person, key="k2")
    changed = read(token, if_none_match=mark)

    assert (same.status_code, same.content, same["ETag"]) == (304, b"", mark)
    assert changed.status_code == 200


def test_address_of_a_machine_or_a_site_or_a_revoked_one_is_none(person):
    now, site = timezone.now(), make_site()
    own, revoked = make_feed(person=person, by=person, now=now)
    revoke_feed(feed=own, by=person, now=now)
    _feed, of_machine = make_feed(machine=make_machine(site=site), by=person, now=now, label="Screen")
    _feed, of_site = make_feed(site=site, by=person, now=now, label="Screen")

    assert {read(token).status_code for token in (revoked, of_machine, of_site, "nothing-like-it")} == {404}


def test_feed_costs_few_questions_however_many_messages(person, token, django_assert_max_num_queries):
    for n in range(40):
        told(person, key=f"k{n}")
    read(token)

    with django_assert_max_num_queries(5):
        read(token)


def test_nobody_keeps_it_on_the_way(token):
    response = read(token)

    assert (response["Cache-Control"], response["X-Robots-Tag"]) == ("private, no-cache", "noindex")


def test_address_of_the_calendar_alone_opens_no_messages(person, token):
    told(person)

    for seal in ("0" * 20, messages_seal(token)[:-1], messages_seal("another")):
        assert Client().get(reverse("messages-feed", args=[token, seal])).status_code == 404


def test_address_of_a_member_does_not_grow_with_a_role_of_the_team(person, token):
    site, now = make_site(), timezone.now()
    manager = make_staff(site=site, role=Role.FAB_MANAGER)
    told(person)
    grant_role(person=person, site=site, role=Role.MEDIATOR, by=manager, now=now)
    params = {"what": "Laser", "zone": "UTC", "start": now.isoformat(), "end": now.isoformat()}
    tell_team(site=site, kind="request_waiting", key="request:1:1", params=params, now=now - minutes(1))
    as_now = Person.objects.get(pk=person.pk)
    later = make_feed(person=as_now, by=as_now, now=timezone.now())[1]

    assert [len(root_of(read(each)).findall(f"{ATOM}entry")) for each in (token, later)] == [1, 2]
