"""Badges that are lost: blocked at once, by whoever lost them or by the team."""

import datetime as dt

from django.utils.translation import gettext_lazy as _

from fablab.lib.changes import note_change
from people.errors import NotAllowed
from people.models import Badge, Person
from people.permissions import is_staff


def block_badge(*, badge: Badge, by: Person, now: dt.datetime) -> Badge:
    """It opens nothing any more, for good: whoever finds it again is given another one. Blocking twice is once.

    Raises:
        NotAllowed: `not_yours`.
    """
    if badge.person_id != by.pk and not is_staff(by):
        raise NotAllowed("not_yours", _("Only its owner or the team blocks a badge."))
    if Badge.objects.filter(pk=badge.pk, blocked_at=None).update(blocked_at=now):
        note_change("blocked", badge, by)
    badge.refresh_from_db()
    return badge
