"""Writes of limits: how much one person may hold."""

import datetime as dt
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from fablab.lib.changes import note_change
from people.models import Person
from reservations.models import Quota


def create_quota(*, by: Person | None, now: dt.datetime, **fields: Any) -> Quota:
    """A limit; `fields` are its scope (group, site, category, machine), measure, period, most (minutes, or
    reservations) and is_peak_only. What people hold already stays theirs.

    Raises:
        ValidationError: it counts nothing that can be counted, or there is one like it already.
    """
    quota = Quota(**fields)
    _save_checked(quota)
    note_change("new", quota, by)
    return quota


def update_quota(*, quota: Quota, by: Person | None, now: dt.datetime, **fields: Any) -> Quota:
    """Another limit; what people hold already stays theirs.

    Raises:
        ValidationError: as in create_quota; nothing is saved.
    """
    for name, value in fields.items():
        setattr(quota, name, value)
    _save_checked(quota)
    note_change("changed", quota, by)
    return quota


def remove_quota(*, quota: Quota, by: Person | None, now: dt.datetime) -> None:
    """Nobody is held to it any more."""
    note_change("removed", quota, by)
    Quota.objects.filter(pk=quota.pk).delete()


def check_quota(quota: Quota) -> None:
    """Whether the limit may be kept as it is.

    Raises:
        ValidationError: what is wrong, beside the field where there is one.
    """
    if quota.machine_id is not None and (quota.site_id is not None or quota.category_id is not None):
        words = _("A machine has its place and its category already: leave these two empty.")
        raise ValidationError({"machine": words})
    if quota.is_peak_only and quota.measure != Quota.Measure.MINUTES:
        raise ValidationError({"is_peak_only": _("Peak hours are counted in hours, not in reservations.")})
    quota.full_clean()


def _save_checked(quota: Quota) -> None:
    check_quota(quota)
    try:
        with transaction.atomic():
            quota.save()
    except IntegrityError as error:
        # Somebody else wrote the same one at this very moment.
        raise ValidationError(_("There is such a limit already: change that one.")) from error
