"""Writes about sites, people, their roles and their suspensions. Pages, imports and the first run come through here."""

import datetime as dt
from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from fablab.lib.references import new_reference
from people.errors import NotAllowed, NotValid, WrongState, not_valid
from people.locking import locked_people, locked_person
from people.models import STAFF_ROLES, FileAccess, Person, Role, RoleGrant, Site, Suspension
from people.ranks import check_may_undo, is_own_suspension, may_change_access, roles_to_grant
from people.sign_out import end_sessions_and_keys

# Opening a file again within this time is one reading.
SAME_READING = dt.timedelta(minutes=10)
CONTACT_FIELDS = (
    "first_name",
    "last_name",
    "birth_year",
    "town",
    "phone",
    "contact_email",
    "language",
    "guardian",
    "guardian_name",
    "guardian_phone",
)


def create_site(*, name: str, by: Person | None, now: dt.datetime, **fields: object) -> Site:
    """A place with a door, under a short name of its own.

    Raises:
        NotValid: what was written cannot be kept.
    """
    try:
        return _insert_site(name, fields)
    except IntegrityError:
        # Somebody took the short name at this very moment.
        return _insert_site(name, fields)


@transaction.atomic
def _insert_site(name: str, fields: dict[str, object]) -> Site:
    taken = set(Site.objects.values_list("slug", flat=True))
    site = Site(name=name.strip(), slug=free_slug(name, taken), **fields)
    _check(site)
    site.save(force_insert=True)
    return site


def register_person(
    *,
    first_name: str,
    last_name: str,
    by: Person | None,
    now: dt.datetime,
    site: Site | None = None,
    birth_year: int | None = None,
    town: str = "",
    phone: str = "",
    contact_email: str = "",
    language: str = "fr",
    guardian: Person | None = None,
    guardian_name: str = "",
    guardian_phone: str = "",
) -> Person:
    """Somebody new, who signs in with the card only until they have more. At a site they become its member, since
    that is what lets its team see their file again.

    Raises:
        NotValid: a name is missing, or somebody under 18 has no responsible adult who can be called.
        WrongState: `person_is_gone`, of the responsible adult.
    """
    person = Person(
        first_name=first_name.strip(), last_name=last_name.strip(), birth_year=birth_year, town=town.strip(),
        phone=phone.strip(), contact_email=contact_email.strip(), language=language, guardian=guardian,
        guardian_name=guardian_name.strip(), guardian_phone=guardian_phone.strip(), joined_at=now, registered_by=by,
    )  # fmt: skip
    person.set_unusable_password()
    with transaction.atomic():
        if guardian is not None:
            locked_person(guardian.pk)
        _check_person(person, now)
        person.save(force_insert=True)
        if site is not None:
            RoleGrant.objects.create(person=person, site=site, role=Role.MEMBER, granted_by=by, granted_at=now)
    return person


def update_person(*, person: Person, by: Person, now: dt.datetime, **fields: object) -> Person:
    """Change who somebody is and how they are reached (any of CONTACT_FIELDS); noted in their file.

    Raises:
        NotValid: as for somebody new.
        WrongState: `person_is_gone`, of them or of the responsible adult.
    """
    unknown = set(fields) - set(CONTACT_FIELDS)
    if unknown:
        raise TypeError(f"not contact data: {sorted(unknown)}")
    with transaction.atomic():
        guardian = fields.get("guardian")
        both = locked_people([person.pk, guardian.pk] if isinstance(guardian, Person) else [person.pk])
        fresh = both[person.pk]
        for name, value in fields.items():
            setattr(fresh, name, value.strip() if isinstance(value, str) else value)
        _check_person(fresh, now)
        fresh.save(update_fields=list(fields))
        note_access(person=fresh, by=by, deed=FileAccess.Deed.CHANGED, now=now)
    return fresh


def grant_role(*, person: Person, site: Site, role: str, by: Person, now: dt.datetime) -> RoleGrant:
    """Give the person a role at the site. Given twice it is the same grant.

    A role of the team ends their sessions and the keys they gave to programs: what was opened with a member's rights
    does not grow with them.

    Raises:
        NotAllowed: `own_role`, or `role_too_high` for who gives it.
        WrongState: `person_is_gone`.
    """
    if by.pk == person.pk and not by.is_superuser:
        raise NotAllowed("own_role", _("Nobody gives themselves a role. Ask an administrator."))
    _check_role_within_reach(by, role, site)
    with transaction.atomic():
        locked_person(person.pk)
        grant, is_new = RoleGrant.objects.get_or_create(
            person=person, site=site, role=role, defaults={"granted_by": by, "granted_at": now}
        )
        if is_new:
            note_access(person=person, by=by, deed=FileAccess.Deed.CHANGED, now=now)
        if is_new and role in STAFF_ROLES and person.pk != by.pk:
            end_sessions_and_keys(person=person, now=now)
    return grant


def revoke_role(*, grant: RoleGrant, by: Person, now: dt.datetime) -> None:
    """Take the role away.

    Raises:
        NotAllowed: `role_too_high` for who takes it.
        WrongState: `last_administrator`: the site would have nobody left who may set it up.
    """
    _check_role_within_reach(by, grant.role, grant.site)
    with transaction.atomic():
        # Two who leave at once must not both believe that the other one stays.
        Site.objects.select_for_update(no_key=True).get(pk=grant.site_id)
        if grant.role == Role.ADMINISTRATOR and not _other_administrators(grant).exists():
            sentence = _("This is the last administrator of %(site)s. Give the role to somebody else first.")
            raise WrongState("last_administrator", sentence % {"site": grant.site})
        RoleGrant.objects.filter(pk=grant.pk).delete()
        note_access(person=grant.person, by=by, deed=FileAccess.Deed.CHANGED, now=now)


def suspend_person(
    *, person: Person, reason: str, by: Person, now: dt.datetime, end: dt.datetime | None = None
) -> Suspension:
    """The person may not reserve until `end` (until somebody lifts it, when there is none). What is reserved stays.

    Raises:
        NotAllowed: `own_suspension`, or `role_too_high` for somebody of the team who is not below `by`.
        NotValid: no reason, or an end that has passed.
        WrongState: `suspended_already`: lift that one first; `person_is_gone`.
    """
    if by.pk == person.pk:
        raise NotAllowed("own_suspension", _("Nobody suspends themselves."))
    if not may_change_access(by, person):
        raise NotAllowed("role_too_high", _("This person is of the team: ask somebody with a higher role."))
    suspension = Suspension(person=person, reason=reason.strip(), start=now, end=end, suspended_by=by)
    _check(suspension)
    with transaction.atomic():
        locked_person(person.pk)
        if Suspension.objects.filter(person=person).holding_at(now).exists():
            raise WrongState("suspended_already", _("Somebody suspended this person already. Lift that first."))
        suspension.save(force_insert=True)
        note_access(person=person, by=by, deed=FileAccess.Deed.SUSPENDED, now=now)
    return suspension


def lift_suspension(*, suspension: Suspension, by: Person, now: dt.datetime) -> None:
    """The person may reserve again from now on. Lifted twice it stays as it was.

    Raises:
        NotAllowed: `own_suspension`, `of_another_place`.
    """
    if is_own_suspension(by, suspension):
        raise NotAllowed("own_suspension", _("Nobody lifts their own suspension. Ask somebody of the team."))
    check_may_undo(by, suspension.suspended_by)
    with transaction.atomic():
        rows = Suspension.objects.filter(pk=suspension.pk, start__lt=now).holding_at(now)
        if rows.update(end=now):
            note_access(person=suspension.person, by=by, deed=FileAccess.Deed.CHANGED, now=now)


def note_access(*, person: Person, by: Person, deed: str, now: dt.datetime) -> None:
    """Write down that `by` opened the person's file or acted for them. Readings within ten minutes count once."""
    note_accesses(people=[person], by=by, deed=deed, now=now)


def note_accesses(*, people: Iterable[Person], by: Person, deed: str, now: dt.datetime) -> None:
    """The same for many files at once, as when a list is read or taken away. At most two queries."""
    if deed == FileAccess.Deed.READ:
        people = list(people)
        lately = FileAccess.objects.filter(by=by, deed=deed, at__gt=now - SAME_READING, at__lte=now)
        read = set(lately.filter(person__in=people).values_list("person_id", flat=True))
        people = [person for person in people if person.pk not in read]
    FileAccess.objects.bulk_create(
        (FileAccess(person=person, by=by, deed=deed, at=now) for person in people), batch_size=1000
    )


def free_slug(name: str, taken: set[str], *, most: int = 50) -> str:
    """A short name for addresses, made of the name; a number tells it from those already taken."""
    wanted = slugify(name)[: most - 4].strip("-") or new_reference(6).lower()
    slug, number = wanted, 2
    while slug in taken:
        slug, number = f"{wanted}-{number}", number + 1
    return slug


def _check(thing: Site | Suspension) -> None:
    try:
        thing.full_clean()
    except ValidationError as error:
        raise not_valid(error, thing) from error


def _check_person(person: Person, now: dt.datetime) -> None:
    if not person.first_name and not person.last_name:
        raise NotValid("no_name", _("Write at least one name."), "first_name")
    is_called_by_name = person.guardian is None and person.guardian_name
    if person.is_minor_in(now.year) and is_called_by_name and not person.guardian_phone:
        sentence = _("Write a telephone number at which the responsible adult can be called.")
        raise NotValid("guardian_phone_missing", sentence, "guardian_phone")
    if person.guardian is not None and person.guardian.is_minor_in(now.year):
        raise NotValid("guardian_is_a_minor", _("The responsible adult must be 18 or older."), "guardian")
    try:
        person.full_clean(exclude=["password"])
    except ValidationError as error:
        raise not_valid(error, person) from error


def _check_role_within_reach(by: Person, role: str, site: Site) -> None:
    if role not in roles_to_grant(by, site):
        raise NotAllowed("role_too_high", _("Your own role here does not go that far. Ask an administrator."))


def _other_administrators(grant: RoleGrant) -> QuerySet[RoleGrant]:
    return RoleGrant.objects.filter(site=grant.site, role=Role.ADMINISTRATOR, person__is_active=True).exclude(
        person=grant.person
    )
