import datetime as dt
import hashlib

import pytest

from people.access import issue_code
from people.errors import NotAllowed, NotValid
from people.kiosks import (
    TRIES_A_MINUTE,
    answer_call,
    call_somebody,
    enrol_kiosk,
    enrolled_kiosk,
    may_sign_in_by_code,
    person_at_kiosk,
    revoke_kiosk,
)
from people.models import Kiosk, Role
from tests.factories import NOW, give_role, make_person, make_site, make_staff, minutes

pytestmark = pytest.mark.django_db

KIND = Kiosk.Kind.KIOSK


def enrol(**fields):
    """`(kiosk, token, manager)`"""
    site = make_site()
    manager = make_staff(site=site, role=Role.FAB_MANAGER)
    kiosk, token = enrol_kiosk(**({"site": site, "name": "Door", "kind": KIND, "by": manager, "now": NOW} | fields))
    return kiosk, token, manager


def test_kiosk_is_known_by_its_token_of_which_only_the_hash_is_kept():
    kiosk, token, manager = enrol()

    found = enrolled_kiosk(token, now=NOW)

    assert found == kiosk
    assert kiosk.token_digest == hashlib.sha256(token.encode()).hexdigest()
    assert (kiosk.enrolled_by, kiosk.enrolled_at) == (manager, NOW)


@pytest.mark.parametrize("token", ["", "wrong", "\x00"], ids=["none", "unknown", "NUL"])
def test_other_token_is_no_kiosk(token):
    enrol()

    assert enrolled_kiosk(token, now=NOW) is None


def test_revoked_kiosk_is_dead_at_once():
    kiosk, token, manager = enrol()

    revoke_kiosk(kiosk=kiosk, by=manager, now=NOW)

    assert enrolled_kiosk(token, now=NOW) is None


def test_revoking_twice_keeps_the_first_time():
    kiosk, _token, manager = enrol()
    revoke_kiosk(kiosk=kiosk, by=manager, now=NOW)

    revoke_kiosk(kiosk=kiosk, by=manager, now=NOW + dt.timedelta(hours=1))

    kiosk.refresh_from_db()
    assert kiosk.revoked_at == NOW


@pytest.mark.parametrize(("after_s", "is_written"), [(30, False), (61, True)], ids=["half a minute", "a minute"])
def test_kiosk_seen_is_written_once_a_minute(after_s, is_written):
    kiosk, token, _manager = enrol()
    later = NOW + dt.timedelta(seconds=after_s)

    enrolled_kiosk(token, now=later)

    kiosk.refresh_from_db()
    assert kiosk.last_seen_at == (later if is_written else NOW)


@pytest.mark.parametrize(
    "fields", [{"name": " "}, {"kind": "tv"}, {"idle_min": 0}, {"idle_min": 90}], ids=["name", "kind", "0", "90 min"]
)
def test_kiosk_that_cannot_be_kept_is_refused(fields):
    with pytest.raises(NotValid):
        enrol(**fields)


def test_person_signs_in_with_card_and_code():
    kiosk, _token, manager = enrol()
    person = make_person()
    code = issue_code(person=person, by=manager, now=NOW)

    assert person_at_kiosk(kiosk=kiosk, card_code=person.card_code, code=code, now=NOW) == person


def refusal_of(**asked):
    with pytest.raises(NotAllowed) as refusal:
        person_at_kiosk(**asked)
    return refusal.value.code


def test_wrong_code_and_unknown_card_are_told_alike():
    kiosk, _token, _manager = enrol()
    person = make_person()

    wrong = refusal_of(kiosk=kiosk, card_code=person.card_code, code="123456", now=NOW)
    unknown = refusal_of(kiosk=kiosk, card_code="NOBODY", code="123456", now=NOW)

    assert (wrong, unknown) == ("wrong_card_or_code", "wrong_card_or_code")


def test_team_does_not_sign_in_by_code():
    kiosk, _token, _manager = enrol()
    chief = make_person(is_superuser=True)
    staff = make_staff(site=kiosk.site)
    code = issue_code(person=staff, by=chief, now=NOW)

    assert refusal_of(kiosk=kiosk, card_code=staff.card_code, code=code, now=NOW) == "is_of_the_team"


@pytest.mark.parametrize(
    ("fields", "role", "may"),
    [
        ({}, None, True),
        ({}, Role.MEMBER, True),
        ({}, Role.SUPERVISOR, False),
        ({}, Role.ADMINISTRATOR, False),
        ({"is_superuser": True}, None, False),
        ({"is_staff": True}, None, False),
    ],
    ids=["visitor", "member", "supervisor", "administrator", "superuser", "may open the admin"],
)
def test_code_is_for_those_without_rights_over_others(fields, role, may):
    person = make_person(**fields)
    if role:
        give_role(person=person, site=make_site(), role=role)

    assert may_sign_in_by_code(person) is may


def test_too_many_tries_on_one_screen_rest_a_minute_and_others_do_not():
    kiosk, _token, _manager = enrol()
    other, _token, _manager = enrol()
    asked = {"card_code": "NOBODY", "code": "123456", "now": NOW}

    codes = [refusal_of(kiosk=kiosk, **asked) for _ in range(TRIES_A_MINUTE + 1)]

    assert codes == ["wrong_card_or_code"] * TRIES_A_MINUTE + ["too_many_tries"]
    assert refusal_of(kiosk=other, **asked) == "wrong_card_or_code"


def test_call_waits_until_it_is_answered():
    kiosk, _token, _manager = enrol()
    quiet, _token, _manager = enrol()

    call_somebody(kiosk=kiosk, now=NOW)

    assert waiting(NOW + minutes(14)) == {kiosk.pk: NOW}
    answer_call(kiosk=kiosk, now=NOW)
    assert waiting(NOW) == {}
    assert quiet.pk not in waiting(NOW)


def test_call_that_nobody_answers_grows_too_old():
    kiosk, _token, _manager = enrol()

    call_somebody(kiosk=kiosk, now=NOW)

    assert waiting(NOW + minutes(15)) == {}
    kiosk.refresh_from_db()
    assert kiosk.waiting_since(NOW + minutes(14)) == NOW
    assert kiosk.waiting_since(NOW + minutes(15)) is None


def test_revoked_screen_calls_nobody():
    kiosk, _token, manager = enrol()
    call_somebody(kiosk=kiosk, now=NOW)

    revoke_kiosk(kiosk=kiosk, by=manager, now=NOW)

    assert waiting(NOW) == {}


def waiting(now):
    return dict(Kiosk.objects.calling(now).values_list("pk", "called_at"))
