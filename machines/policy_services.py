"""Writes of where the rules differ: for a group of people, or at a site."""

import datetime as dt
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from fablab.lib.changes import note_change
from fablab.lib.live import announce_machines
from machines.models import BookingPolicy, Machine
from people.models import Person


def create_policy(*, by: Person | None, now: dt.datetime, **fields: Any) -> BookingPolicy:
    """A rule for some; `fields` are its scope (group, site, category, machine) and what it says.

    Side effects in order: insert it; announce the machines concerned to the open pages.

    Raises:
        ValidationError: it is for nobody in particular, says nothing, or there is one for these already.
    """
    policy = BookingPolicy(**fields)
    _save_checked(policy)
    _tell("new", policy, by)
    return policy


def update_policy(*, policy: BookingPolicy, by: Person | None, now: dt.datetime, **fields: Any) -> BookingPolicy:
    """Another scope, or other values; reservations that exist stay as they are.

    Raises:
        ValidationError: as in create_policy; nothing is saved.
    """
    for name, value in fields.items():
        setattr(policy, name, value)
    _save_checked(policy)
    _tell("changed", policy, by)
    return policy


@transaction.atomic
def remove_policy(*, policy: BookingPolicy, by: Person | None, now: dt.datetime) -> None:
    """What the category or machine says holds again for these people or this site."""
    _tell("removed", policy, by)
    BookingPolicy.objects.filter(pk=policy.pk).delete()


def check_policy(policy: BookingPolicy) -> None:
    """Whether the rule may be kept as it is. At most one query for each thing it names.

    Raises:
        ValidationError: what is wrong, beside the field where there is one.
    """
    if policy.machine_id is not None and (policy.site_id is not None or policy.category_id is not None):
        words = _("A machine has its place and its category already: leave these two empty.")
        raise ValidationError({"machine": words})
    if policy.machine_id is not None and policy.group_id is None:
        words = _("What holds for everybody on one machine is set on the machine itself. Say for which group.")
        raise ValidationError({"group": words})
    if policy.group_id is None and policy.site_id is None:
        raise ValidationError({"group": _("Say for whom, or at which place, the rule differs.")})
    if not policy.values:
        raise ValidationError(_("Say at least one thing that differs: an empty line says nothing."))
    policy.full_clean()


def _save_checked(policy: BookingPolicy) -> None:
    check_policy(policy)
    try:
        with transaction.atomic():
            policy.save()
    except IntegrityError as error:
        # Somebody else wrote one for the same people and things at this very moment.
        raise ValidationError(_("There is a rule for these already: change that one.")) from error


def _tell(deed: str, policy: BookingPolicy, by: Person | None) -> None:
    note_change(deed, policy, by)
    announce_machines(machines_concerned(policy).values_list("pk", flat=True))


def machines_concerned(policy: BookingPolicy) -> Any:
    """The machines in use that the rule is about, as a query; those of every site when it names none."""
    concerned = Q(retired_at=None)
    if policy.machine_id is not None:
        concerned &= Q(pk=policy.machine_id)
    if policy.category_id is not None:
        concerned &= Q(category=policy.category_id)
    if policy.site_id is not None:
        concerned &= Q(unit__site=policy.site_id)
    return Machine.objects.filter(concerned)
