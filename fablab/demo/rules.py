"""The rules of the demo's lab: a plan with its limit, a pack, a summer, rules to sign, a series. Nobody is stopped."""

import datetime as dt

from iot.drivers.base import Seen
from iot.ingest.sightings import note_seen
from machines.house_rules import newest_rules, publish_rules
from machines.models import Category, Machine, RulesSignature, Season
from machines.opening import instant_of
from machines.policy_services import create_policy
from machines.seasons import add_season
from people.group_services import add_to_group, create_group
from people.models import Person, PersonGroup, Site
from reservations.credit_packs import create_pack
from reservations.models import Quota, Reservation
from reservations.quota_services import create_quota
from reservations.series import reserve_dates
from reservations.wishes import Wish

BY, MAKER, NEWCOMER = "demo-manager", "demo-maker", "demo-newcomer"
PLAN = ("Formule atelier", "Workshop plan")
UNDER_PLAN = ("demo-person-12", "demo-person-13")
SIGNED_FOR = "cnc-router"
RULES = (
    "Lunettes et casque, toujours.\nLa pièce est bridée sur le martyr avant que la broche tourne.",
    "Goggles and ear defenders, always.\nThe piece is clamped down before the spindle turns.",
)
SERIES_ON = "laptop-03"
WEDNESDAY = 3
DAY = dt.timedelta(days=1)
# Only day and month count. Its week is a copy of the usual one, so that the story plays then, too.
SUMMER = (dt.date(2026, 7, 15), dt.date(2026, 8, 31))
# As a plug says it itself: nobody has told the lab yet what hangs on it.
STRANGER = Seen("tasmota", "prise-etabli", "Prise de l’établi", "Athom Plug V2")


def make_rules(site: Site, *, now: dt.datetime) -> None:
    """What is there already is left as it is; only the plug speaks again, and the series begins anew once over."""
    by = Person.objects.get(card_code=BY)
    if not PersonGroup.objects.filter(name_en=PLAN[1]).exists():
        _make_plan(by, now)
        create_pack(by=by, now=now, name_fr="Dix heures", name_en="Ten hours", credits=10, days_valid=365)
    if not Season.objects.filter(site=site).exists():
        add_season(site=site, name="Été", kind=Season.Kind.YEARLY, first=SUMMER[0], last=SUMMER[1], by=by, now=now)
    _publish(by, now)
    _repeat(site, now)
    note_seen([STRANGER], now)


def _make_plan(by: Person, now: dt.datetime) -> None:
    group = create_group(kind=PersonGroup.Kind.PLAN, name_fr=PLAN[0], name_en=PLAN[1], by=by, now=now)
    for person in Person.objects.filter(card_code__in=UNDER_PLAN):
        add_to_group(person=person, group=group, start=now.date(), end=None, by=by, now=now)
    printers, laptops = (Category.objects.get(slug=slug) for slug in ("demo-printers", "demo-laptops"))
    create_policy(by=by, now=now, group=group, category=printers, window=60 * DAY)
    create_quota(
        by=by, now=now, group=group, category=laptops, measure=Quota.Measure.MINUTES, period=Quota.Period.WEEK,
        most=40 * 60,
    )  # fmt: skip


def _publish(by: Person, now: dt.datetime) -> None:
    """For a machine that waits for a part; all but the newcomer, who may not use it anyway, have signed."""
    machine = Machine.objects.get(slug=SIGNED_FOR)
    if newest_rules(machine) is not None:
        return
    rules = publish_rules(place=machine, text_fr=RULES[0], text_en=RULES[1], by=by, now=now)
    people = Person.objects.filter(card_code__startswith="demo-").exclude(card_code=NEWCOMER)
    RulesSignature.objects.bulk_create(RulesSignature(rules=rules, person=person, signed_at=now) for person in people)


def _repeat(site: Site, now: dt.datetime) -> None:
    """The maker's workshop, every Wednesday afternoon; whatever is taken is left out."""
    maker = Person.objects.get(card_code=MAKER)
    if Reservation.objects.filter(holder=maker, start__gt=now).exclude(series=None).exists():
        return
    first = now.astimezone(site.zone).date() + 3 * DAY
    first += (WEDNESDAY - first.isoweekday()) % 7 * DAY
    start = instant_of(first, dt.time(14), site.zone)
    machine = Machine.objects.with_places().get(slug=SERIES_ON)
    wish = Wish(machine=machine, start=start, end=start + dt.timedelta(hours=2), holder=maker, by=maker)
    reserve_dates(wish, "FREQ=WEEKLY;COUNT=3", now, is_skipping=True)
