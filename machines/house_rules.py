"""The rules of a site or of a machine that people sign: published version by version, signed once each."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext_lazy as _

from fablab.lib.changes import note_change
from machines.errors import MachinesError
from machines.models import HouseRules, Machine, RulesSignature
from people.errors import NotAllowed
from people.models import FileAccess, Person, RoleGrant, Site
from people.permissions import is_staff
from people.services import note_access

Place = Site | Machine


class NothingNew(MachinesError):
    """What was written is what holds already."""


class OldVersion(MachinesError):
    """A newer version has been published, or the rules were withdrawn."""


@dataclass(frozen=True, slots=True)
class ToSign:
    """The version in force of some place's rules, and how the person stands to it."""

    rules: HouseRules
    signature: RulesSignature | None

    @property
    def of(self) -> str:
        return str(self.rules.site or self.rules.machine)


@transaction.atomic
def publish_rules(*, place: Place, text_fr: str, text_en: str, by: Person, now: dt.datetime) -> HouseRules:
    """A new version, which everybody signs anew; the earlier ones stay, with who signed them.

    Raises:
        NothingNew: `same_text`: that is what the version in force says, letter by letter.
    """
    _lock(place)
    newest = newest_rules(place)
    texts = {"text_fr": text_fr.strip(), "text_en": text_en.strip()}
    if newest is not None and (newest.text_fr, newest.text_en) == (texts["text_fr"], texts["text_en"]):
        raise NothingNew("same_text", str(_("This is what the version in force says: nobody needs to sign it again.")))
    version = 1 if newest is None else newest.version + 1
    published = HouseRules.objects.create(**_of(place), version=version, published_at=now, **texts)
    note_change("published", published, by)
    return published


def withdraw_rules(*, place: Place, by: Person, now: dt.datetime) -> HouseRules | None:
    """Nobody has to sign anything here any more, until new rules are published: an empty version. Twice is once."""
    newest = newest_rules(place)
    if newest is None or newest.is_empty:
        return newest
    return publish_rules(place=place, text_fr="", text_en="", by=by, now=now)


@transaction.atomic
def sign_rules(*, rules: HouseRules, person: Person, by: Person, now: dt.datetime) -> RulesSignature:
    """The person agreed: in their pages when `by` is themselves, else on paper before `by`, who is the witness.

    Signing twice is signing once: the first time counts. Side effects in order: the signature; with a witness, a note
    in the person's file.

    Raises:
        NotAllowed: `not_of_the_team`: the witness is not of the team of that place.
        OldVersion: another version holds by now.
    """
    is_own = by.pk == person.pk
    if not is_own and not is_staff(by, rules.site or rules.machine):
        raise NotAllowed("not_of_the_team", _("Only the team of the place is a witness."))
    place = rules.site or rules.machine
    assert place is not None
    _lock(place)
    newest = newest_rules(place)
    if newest is None or newest.pk != rules.pk or newest.is_empty:
        raise OldVersion("old_version", str(_("These rules have changed: read the new ones.")))
    signature, is_new = RulesSignature.objects.get_or_create(
        person=person, rules=rules, defaults={"signed_at": now, "witness": None if is_own else by}
    )
    if is_new and not is_own:
        note_access(person=person, by=by, deed=FileAccess.Deed.CHANGED, now=now)
    return signature


def newest_rules(place: Place) -> HouseRules | None:
    """The version in force, which may be empty; None where nothing was ever published. One query."""
    return HouseRules.objects.filter(**_of(place)).select_related("site", "machine__unit__site").first()


def in_force(sites: Iterable[Site] | QuerySet[Site]) -> QuerySet[HouseRules]:
    """The rules that have to be signed at these sites: of each site and of each machine in use there. One query."""
    places = Q(site__in=sites) | Q(machine__unit__site__in=sites, machine__retired_at=None)
    newest = (
        HouseRules.objects.filter(places)
        .order_by("site_id", "machine_id", "-version")
        .distinct("site_id", "machine_id")
        .values("pk")
    )
    rows = HouseRules.objects.filter(pk__in=newest).exclude(text_fr="")
    return rows.select_related("site", "machine__unit__site").order_by("site__name", "machine__name")


def sites_to_sign_for(person: Person) -> QuerySet[Site]:
    """Whose rules concern the person: the sites where they have a role; all of them for whoever has none yet."""
    own = person.role_grants.values("site_id")
    return Site.objects.filter(Q(pk__in=own) | ~Q(Exists(RoleGrant.objects.filter(person=person))))


def rules_of_person(person: Person, sites: Iterable[Site] | QuerySet[Site]) -> list[ToSign]:
    """All that has to be signed at these sites, with the person's signature where there is one. Two queries."""
    found = list(in_force(sites))
    signatures = RulesSignature.objects.filter(person=person, rules__in=found).select_related("witness")
    by_rules = {signature.rules_id: signature for signature in signatures}
    return [ToSign(rules, by_rules.get(rules.pk)) for rules in found]


def is_signed_by(person: Person) -> Exists:
    """Of rules, whether the person has signed this version."""
    return Exists(RulesSignature.objects.filter(person=person, rules=OuterRef("pk")))


def waiting_count(person: Person, sites: Iterable[Site] | QuerySet[Site]) -> int:
    """How many rules wait for the person's signature. One query."""
    return in_force(sites).exclude(signatures__person=person).count()


def versions_of(place: Place) -> QuerySet[HouseRules]:
    """Every version, the newest first, each with how many signed it as `signed_count`. One query."""
    return HouseRules.objects.filter(**_of(place)).annotate(signed_count=Count("signatures")).order_by("-version")


def last_signatures(rules: HouseRules, people: QuerySet[Person]) -> QuerySet[RulesSignature]:
    """Who of these people signed this version, the latest first."""
    rows = RulesSignature.objects.filter(rules=rules, person__in=people)
    return rows.select_related("person", "witness").order_by("-signed_at")


def not_signed(rules: HouseRules, people: QuerySet[Person]) -> QuerySet[Person]:
    """Who of these people has not signed this version, each with the version they signed last as `last_version`."""
    earlier = RulesSignature.objects.filter(
        person=OuterRef("pk"), rules__site=rules.site_id, rules__machine=rules.machine_id
    ).order_by("-rules__version")
    rows = people.exclude(rules_signatures__rules=rules)
    return rows.annotate(last_version=Subquery(earlier.values("rules__version")[:1])).order_by("sort_name", "pk")


def _of(place: Place) -> dict[str, Place | None]:
    return {"site": place, "machine": None} if isinstance(place, Site) else {"site": None, "machine": place}


def _lock(place: Place) -> None:
    """Two versions at once would get one number; and nobody signs what is replaced at that moment."""
    type(place)._default_manager.select_for_update(of=("self",), no_key=True).get(pk=place.pk)
