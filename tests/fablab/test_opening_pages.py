"""Seasons, the year, the rota and what goes with what, as a manager, the team and members meet them."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from machines.models import OpeningHours, PeakHours, Season, Shift, UnitPart
from machines.parts import set_parts
from people.models import Role
from tests.api.lab import hold
from tests.fablab.settings_pages import coming, signed_in, words_of
from tests.factories import make_category, make_exception, make_machine, make_person, make_room, make_site, make_staff

pytestmark = pytest.mark.django_db

SUMMER = {"name": "Summer", "kind": "yearly", "first": "2026-07-06", "last": "2026-08-28"}


def url(name, *args):
    return reverse(name, args=args)


def test_season_is_added_and_its_week_written(manager_client, site):
    answer = manager_client.post(url("settings-seasons", site.slug), SUMMER)
    season = Season.objects.get()
    assert answer.url == url("settings-season", season.pk)
    week = {"opens_2_0": "14:00", "closes_2_0": "18:00", "alone_2_0": "on", "same_3": "on"}

    manager_client.post(answer.url, SUMMER | week)

    rows = OpeningHours.objects.filter(season=season).values_list("weekday", "opens", "closes", "is_staffed")
    assert list(rows) == [(day, dt.time(14), dt.time(18), False) for day in (2, 3)]
    assert OpeningHours.objects.filter(season=None).count() == 7
    assert "every year, 6 July to 28 August" in words_of(manager_client.get(url("settings-seasons", site.slug)))


def test_season_with_two_mistakes_says_both(manager_client, site):
    season = Season.objects.create(site=site, name="Summer", kind="yearly", first="2026-07-06", last="2026-08-28")

    page = manager_client.post(
        url("settings-season", season.pk), SUMMER | {"first": "", "opens_1_0": "14:00", "closes_1_0": "12:00"}
    )

    shown = words_of(page)
    assert "Which day?" in shown
    assert "The closing time comes after the opening time" in shown


@pytest.mark.parametrize(("zone", "is_offered"), [("Zone B", True), ("", False)], ids=["of a zone", "no zone"])
def test_school_holidays_are_offered_where_they_are_known(manager_client, site, zone, is_offered):
    site.school_zone = zone
    site.save()

    page = manager_client.get(url("settings-seasons", site.slug))

    assert ('value="school_holidays"' in page.content.decode()) is is_offered


def test_season_that_closes_puts_reservations_on_the_call_list(manager_client, site):
    machine = make_machine(site=site)
    held = coming(machine)
    day = held.start.astimezone(site.zone).date()

    made = manager_client.post(
        url("settings-seasons", site.slug), {"name": "Works", "kind": "dates", "first": day, "last": day}
    )
    manager_client.post(made.url, {"name": "Works", "kind": "dates", "first": day, "last": day})

    assert "we are closed then" in words_of(manager_client.get(url("settings-calls", site.slug)))


def test_hours_remember_when_nobody_of_the_team_is_there(manager_client, site):
    address = url("settings-hours", site.slug)

    manager_client.post(address, {"opens_1_0": "10:00", "closes_1_0": "12:00", "alone_1_0": "on"})

    assert list(OpeningHours.objects.values_list("weekday", "is_staffed")) == [(1, False)]
    assert manager_client.get(address).content.decode().count(" checked") == 1


def test_peak_hours_are_kept(manager_client, site):
    manager_client.post(url("settings-peak", site.slug), {"opens_1_0": "17:00", "closes_1_0": "19:00"})

    assert list(PeakHours.objects.values_list("site", "weekday", "begins")) == [(site.pk, 1, dt.time(17))]
    assert 'value="17:00"' in manager_client.get(url("settings-peak", site.slug)).content.decode()


def test_year_says_in_words_why_a_day_is_closed(manager_client, site):
    site.is_closed_on_holidays = True
    site.save()
    make_exception(site=site, date="2027-12-24")
    Season.objects.create(site=site, name="Summer break", kind="dates", first="2027-08-02", last="2027-08-15")

    page = manager_client.get(url("settings-year", site.slug), {"year": "2027"})

    shown = words_of(page)
    for words in ("2027 at Riverside", "closed for once", "public holiday, closed", "Summer break", "December"):
        assert words in shown
    assert page.content.decode().count("<caption") == 12


@pytest.mark.parametrize("year", ["", "abcd", "99999", "0001"])
def test_year_that_is_none_shows_one_of_our_century(manager_client, site, year):
    assert manager_client.get(url("settings-year", site.slug), {"year": year}).status_code == 200


# --- rota ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def mediator(site):
    return make_staff(site=site, role=Role.MEDIATOR, first_name="Solène")


def tomorrow(site):
    return timezone.now().astimezone(site.zone).date() + dt.timedelta(days=1)


def shift_of(mediator, site, **fields):
    known = {"person": mediator.reference, "day": tomorrow(site), "begins": "10:00", "ends": "17:00", "weeks": "1"}
    return known | fields


def test_manager_writes_the_rota_and_members_see_hours_without_names(manager_client, site, mediator):
    site.has_rota = True
    site.save()
    laser = make_machine(site=site, category=make_category(risk_level=2))

    manager_client.post(url("manage-rota-add", site.slug), shift_of(mediator, site, weeks="3"))

    assert Shift.objects.count() == 3
    day = {"day": tomorrow(site), "site": site.slug}
    assert str(mediator) in words_of(manager_client.get(url("manage-rota"), day))
    shown = words_of(signed_in(make_person()).get(url("machine", laser.slug)))
    assert "Supervised:" in shown
    assert "10:00–17:00" in shown
    assert str(mediator) not in shown


def test_rota_says_who_is_busy_and_keeps_what_was_typed(manager_client, site, mediator):
    manager_client.post(url("manage-rota-add", site.slug), shift_of(mediator, site))

    page = manager_client.post(url("manage-rota-add", site.slug), shift_of(mediator, site, begins="12:00"))

    assert page.status_code == 200
    assert "is on duty already" in words_of(page)
    assert 'value="12:00"' in page.content.decode()


def test_team_sees_and_drops_only_their_own_shifts(manager_client, site, mediator):
    other = make_staff(site=site, first_name="Hugo", last_name="Marchetti")
    for who in (mediator, other):
        manager_client.post(url("manage-rota-add", site.slug), shift_of(who, site))
    browser = signed_in(mediator)

    shown = words_of(browser.get(url("manage-rota"), {"day": tomorrow(site)}))

    assert "Solène" in shown
    assert "Marchetti" not in shown
    mine, theirs = Shift.objects.get(person=mediator), Shift.objects.get(person=other)
    assert browser.post(url("manage-rota-drop", theirs.pk)).status_code == 403
    assert browser.post(url("manage-rota-drop", mine.pk)).status_code == 302
    assert list(Shift.objects.standing()) == [theirs]


def test_dropped_shift_says_how_many_lose_their_supervision(manager_client, site, mediator):
    site.has_rota = True
    site.save()
    manager_client.post(url("manage-rota-add", site.slug), shift_of(mediator, site))
    laser = make_machine(site=site, category=make_category(risk_level=2))
    start = dt.datetime.combine(tomorrow(site), dt.time(11), site.zone)
    hold(laser, make_person(), start, start + dt.timedelta(hours=1))

    page = manager_client.post(url("manage-rota-drop", Shift.objects.get().pk), follow=True)

    assert "1 reservation has nobody to watch over it now" in words_of(page)
    assert "nobody of the team is on duty then" in words_of(manager_client.get(url("settings-calls", site.slug)))


# --- what goes with what --------------------------------------------------------------------------------------------


def test_machine_page_says_what_goes_with_it(manager_client, site):
    laser, extractor = (make_machine(site=site, name=name) for name in ("Laser", "Extractor"))
    address = url("settings-goes-with", "machines", laser.slug)

    manager_client.post(address, {"part": extractor.unit_id, "how": "shared"})

    assert UnitPart.objects.get().is_shared
    assert "serves several at once" in words_of(manager_client.get(address))
    assert "Goes with: Extractor" in words_of(manager_client.get(url("machine", laser.slug)))
    manager_client.post(url("settings-goes-with-remove", "machines", laser.slug), {"part": extractor.unit_id})
    assert not UnitPart.objects.exists()


def test_circle_is_refused_in_words(manager_client, site):
    laser, extractor = make_machine(site=site), make_machine(site=site)
    set_parts(whole=extractor.unit, exclusive=[laser.unit], shared=[])

    page = manager_client.post(
        url("settings-goes-with", "machines", laser.slug), {"part": extractor.unit_id, "how": "held"}
    )

    assert "That would make it a part of itself." in words_of(page)


def test_things_of_another_place_are_not_offered(manager_client, site):
    laser, elsewhere = make_machine(site=site), make_machine(site=make_site())
    make_room(site=site)

    page = manager_client.post(
        url("settings-goes-with", "machines", laser.slug), {"part": elsewhere.unit_id, "how": "held"}
    )

    assert page.status_code == 200
    assert not UnitPart.objects.exists()


# --- any of a model -------------------------------------------------------------------------------------------------


def test_any_of_a_model_is_offered_and_reserved(site):
    category = make_category()
    worn, fresh = (
        make_machine(site=site, category=category, name=name, model_name="MK4", used_s=used)
        for name, used in (("Prusa 1", 9000), ("Prusa 2", 60))
    )
    browser = signed_in(make_staff(site=site, role=Role.MEMBER))
    time = {"machine": worn.slug, "any": "1", "day": tomorrow(site), "start": "10:00", "end": "11:00"}

    assert "Any MK4" in words_of(browser.get(url("reserve")))
    assert "Any MK4: how long, and when?" in words_of(browser.get(url("reserve"), {"machine": worn.slug, "any": "1"}))
    assert "Prusa 2" in words_of(browser.get(url("reserve-confirm"), time))
    done = browser.post(url("reserve-confirm"), time, follow=True)

    assert "Reserved: Prusa 2" in words_of(done)
    assert fresh.reservations.count() == 1


def test_one_of_a_kind_is_not_offered_as_any(site):
    make_machine(site=site, model_name="MK4")
    make_machine(site=make_site(), model_name="MK4")

    assert "Any MK4" not in words_of(signed_in(make_person()).get(url("reserve")))
