"""Who may reserve what: rules for some, limits, groups, and who is in them."""

import datetime as dt

from django.utils import timezone

from machines.models import BookingPolicy
from people.models import GroupMembership, PersonGroup
from reservations.models import Quota
from tests.api.lab import Lab
from tests.fablab.rows.row import ALL_405, MANAGERS, Row

# A rule of a place is found by its managers; what holds everywhere is read by all, and changed by whoever manages
# all places that it is about: the manager of Riverside is one here, since no machine stands at Hilltop.
SEEN_THERE = "302 403 403 403 403 403 404 200 200"
DONE_THERE = "302 403 403 403 403 403 404 302 302"
DONE_OR_SHOWN = "302 403 403 403 403 403 200 302 302"
DONE_WHERE_ALL_IS_THEIRS = "302 403 403 403 403 403 403 302 302"
MADE = "302 403 403 403 403 403 302 302 302"
FILES = "302 403 403 403 200 200 404 200 200"
FILES_DONE = "302 403 403 403 302 302 404 302 302"


RULE = {"site": "{site_pk}", "longest_0": "2", "longest_1": "h"}
LIMIT = {"site": "{site_pk}", "amount": "3", "measure": "count", "period": "to_come"}
EVERYWHERE = {"amount": "3", "measure": "count", "period": "to_come"}
GROUP = {"kind": "plan", "name_fr": "Atelier", "name_en": "Workshop", "position": "10"}
STAY = {"group": "{group}", "start": "2031-01-01", "end": "2031-12-31"}

ROWS: tuple[Row, ...] = (
    Row("rules", MANAGERS, MANAGERS),
    Row("rules-policy-new", MANAGERS, DONE_OR_SHOWN, data=RULE),
    Row("rules-policy-new", MANAGERS, MANAGERS, data=RULE | {"preview": "1"}, variant="tried"),
    Row("rules-policy", SEEN_THERE, DONE_THERE, ("{policy}",), data=RULE),
    Row("rules-policy-remove", ALL_405, DONE_THERE, ("{policy}",)),
    Row("rules-quota-new", MANAGERS, DONE_OR_SHOWN, data=LIMIT),
    Row("rules-quota-new", MANAGERS, DONE_OR_SHOWN, data=EVERYWHERE, variant="everywhere"),
    Row("rules-quota", MANAGERS, DONE_WHERE_ALL_IS_THEIRS, ("{quota}",), data=EVERYWHERE),
    Row("rules-quota-remove", ALL_405, DONE_WHERE_ALL_IS_THEIRS, ("{quota}",)),
    Row("rules-group-new", MANAGERS, MADE, data=GROUP),
    Row("rules-group", MANAGERS, DONE_WHERE_ALL_IS_THEIRS, ("{empty_group}",), data=GROUP),
    Row("rules-group-remove", ALL_405, DONE_WHERE_ALL_IS_THEIRS, ("{empty_group}",)),
    Row("people-groups", FILES, FILES_DONE, ("{holder}",), data=STAY),
    Row("people-groups-end", ALL_405, FILES_DONE, ("{holder}", "{stay}")),
)


def words(lab: Lab) -> dict[str, str]:
    """A rule of Riverside, a limit of everywhere, a group with the holder in it and one without anybody."""
    today = timezone.now().date()
    policy, _ = BookingPolicy.objects.get_or_create(site=lab.site, category=lab.laser.category, needs_approval=True)
    quota, _ = Quota.objects.get_or_create(measure="count", period="year", most=900)
    group, _ = PersonGroup.objects.get_or_create(kind="plan", name_fr="Forfait", name_en="Plan")
    empty, _ = PersonGroup.objects.get_or_create(kind="community", name_fr="Club", name_en="Club")
    stay, _ = GroupMembership.objects.get_or_create(
        person=lab.people["holder"], group=group, start=today, defaults={"end": today + dt.timedelta(days=9)}
    )
    return {
        "policy": str(policy.pk), "quota": str(quota.pk), "group": str(group.pk), "empty_group": str(empty.pk),
        "stay": str(stay.pk), "site_pk": str(lab.site.pk),
    }  # fmt: skip
