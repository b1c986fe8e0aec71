import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from people.access import CODE_LASTS, check_code, issue_code, reset_card
from people.errors import NotAllowed
from people.models import AccessCode, ApiToken, FileAccess, Person, Role
from people.sign_out import end_sessions
from tests.factories import NOW, make_person, make_site, make_staff

MINUTE = dt.timedelta(minutes=1)


def make_code(**fields):
    """`(person, code, staff)`: somebody of the team made a code for a member."""
    staff = make_staff(site=make_site())
    person = make_person(**fields)
    return person, issue_code(person=person, by=staff, now=NOW), staff


def other_than(code):
    return f"{(int(code) + 1) % 1_000_000:06d}"


@pytest.mark.django_db
class TestIssuing:
    def test_code_has_six_digits_and_only_its_hash_is_kept(self):
        person, code, staff = make_code()

        kept = AccessCode.objects.get(person=person)

        assert (len(code), code.isdigit()) == (6, True)
        assert code not in kept.digest
        assert (kept.tries_left, kept.expires_at, kept.issued_by) == (5, NOW + CODE_LASTS, staff)

    def test_code_is_noted_in_the_file(self):
        person, _code, staff = make_code()

        assert list(FileAccess.objects.values_list("person", "by", "deed")) == [(person.pk, staff.pk, "code")]

    def test_code_replaces_the_earlier_one(self):
        person, first, staff = make_code()

        second = issue_code(person=person, by=staff, now=NOW)

        assert first == second or check_code(card_code=person.card_code, code=first, now=NOW) is None
        assert check_code(card_code=person.card_code, code=second, now=NOW) == person

    def test_code_replaces_a_used_or_exhausted_one(self):
        person, code, staff = make_code()
        for _ in range(6):
            check_code(card_code=person.card_code, code=other_than(code), now=NOW)

        fresh = issue_code(person=person, by=staff, now=NOW)

        assert check_code(card_code=person.card_code, code=fresh, now=NOW) == person

    @pytest.mark.parametrize("make", [issue_code, reset_card], ids=["code", "card"])
    def test_supervisor_does_not_touch_the_access_of_a_manager(self, make):
        site = make_site()
        manager = make_staff(site=site, role=Role.FAB_MANAGER)

        with pytest.raises(NotAllowed) as refusal:
            make(person=manager, by=make_staff(site=site), now=NOW)

        assert refusal.value.code == "access_too_high"


@pytest.mark.django_db
class TestChecking:
    def test_card_and_code_tell_who_it_is(self):
        person, code, _staff = make_code()

        assert check_code(card_code=person.card_code, code=code, now=NOW) == person

    def test_code_works_once(self):
        person, code, _staff = make_code()
        check_code(card_code=person.card_code, code=code, now=NOW)

        assert check_code(card_code=person.card_code, code=code, now=NOW) is None

    @pytest.mark.parametrize("written", ["{card} ", "{lower}", "{groups}"], ids=["space", "small letters", "groups"])
    def test_card_may_be_typed_by_hand(self, written):
        person, code, _staff = make_code()
        card = person.card_code
        typed = written.format(card=card, lower=card.lower(), groups=f"{card[:4]} {card[4:8]}-{card[8:]}")

        assert check_code(card_code=typed, code=f"{code[:3]} {code[3:]}", now=NOW) == person

    @pytest.mark.parametrize(
        ("passed", "is_in"), [(CODE_LASTS - MINUTE, True), (CODE_LASTS, False)], ids=["last minute", "a day later"]
    )
    def test_code_lasts_a_day(self, passed, is_in):
        person, code, _staff = make_code()

        assert (check_code(card_code=person.card_code, code=code, now=NOW + passed) == person) is is_in

    @pytest.mark.parametrize(("wrong", "is_in"), [(4, True), (5, False)], ids=["fifth try is right", "sixth is late"])
    def test_five_tries(self, wrong, is_in):
        person, code, _staff = make_code()
        for _ in range(wrong):
            assert check_code(card_code=person.card_code, code=other_than(code), now=NOW) is None

        assert (check_code(card_code=person.card_code, code=code, now=NOW) == person) is is_in

    @pytest.mark.parametrize("code", ["", "12345", "abcdef", "\x00", "9" * 5000], ids=str)
    def test_rubbish_is_no_code(self, code):
        person, _code, _staff = make_code()

        assert check_code(card_code=person.card_code, code=code, now=NOW) is None

    @pytest.mark.parametrize("card", ["", "\x00", "' OR 1=1", "Z" * 5000], ids=["empty", "NUL", "SQL", "long"])
    def test_rubbish_is_no_card(self, card):
        assert check_code(card_code=card, code="123456", now=NOW) is None

    def test_code_of_one_person_does_not_open_another(self):
        _person, code, _staff = make_code()
        other, _code, _staff = make_code()

        assert _code == code or check_code(card_code=other.card_code, code=code, now=NOW) is None

    @pytest.mark.parametrize("fields", [{"is_active": False}, {"erased_at": NOW}], ids=["inactive", "erased"])
    def test_code_of_somebody_gone_is_dead(self, fields):
        person, code, _staff = make_code()
        Person.objects.filter(pk=person.pk).update(**fields)

        assert check_code(card_code=person.card_code, code=code, now=NOW) is None

    def test_unknown_card_asks_the_same_questions_as_a_wrong_code(self):
        person, code, _staff = make_code()
        asked = {}

        for name, card in (("known", person.card_code), ("unknown", "NOBODYHASTHIS")):
            with CaptureQueriesContext(connection) as queries:
                check_code(card_code=card, code=other_than(code), now=NOW)
            asked[name] = [query["sql"].split(maxsplit=1)[0] for query in queries]

        assert asked["unknown"] == ["SAVEPOINT", "SELECT", "SELECT", "UPDATE", "SELECT", "RELEASE"]
        assert asked["known"] == asked["unknown"]


@pytest.mark.django_db
class TestResetting:
    def test_old_card_and_its_code_stop_working(self):
        person, code, staff = make_code()
        old = person.card_code

        fresh = reset_card(person=person, by=staff, now=NOW)

        assert fresh != old
        assert person.card_code == fresh
        assert check_code(card_code=old, code=code, now=NOW) is None
        assert check_code(card_code=fresh, code=code, now=NOW) is None

    def test_sessions_of_the_person_end_and_no_others(self):
        person, _code, staff = make_code()
        browsers = {name: Client() for name in ("own", "own elsewhere", "of another")}
        for name, browser in browsers.items():
            browser.force_login(make_person() if name == "of another" else person)

        reset_card(person=person, by=staff, now=NOW)

        answers = {name: browser.get("/me/").status_code for name, browser in browsers.items()}
        assert answers == {"own": 302, "own elsewhere": 302, "of another": 200}

    def test_keys_of_programs_end_too(self):
        person, _code, staff = make_code()
        for owner in (person, staff):
            ApiToken.objects.create(user=owner, expiry=dt.timedelta(days=1), name="script")

        reset_card(person=person, by=staff, now=NOW)

        assert list(ApiToken.objects.values_list("user", flat=True)) == [staff.pk]

    def test_nobodys_sessions_are_none(self):
        assert end_sessions(person=make_person(), now=NOW) == 0
        assert Session.objects.count() == 0


@pytest.mark.serial
@pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS))
class TestRaces:
    def tried(self, card_code, codes):
        def attempt(code):
            try:
                return check_code(card_code=card_code, code=code, now=NOW)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(12) as pool:
            return list(pool.map(attempt, codes))

    def test_many_tries_at_once_are_five(self):
        person, code, _staff = make_code()

        found = self.tried(person.card_code, [other_than(code)] * 24)

        assert set(found) == {None}
        assert AccessCode.objects.get().tries_left == 0
        assert check_code(card_code=person.card_code, code=code, now=NOW) is None

    def test_right_code_shown_many_times_at_once_opens_once(self):
        person, code, _staff = make_code()

        found = self.tried(person.card_code, [code] * 12)

        assert [who for who in found if who] == [person]
