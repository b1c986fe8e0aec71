"""Forty people: five who may sign in, and thirty-five who come, with what they may use."""

import datetime as dt
from collections.abc import Iterable
from random import Random

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password

from fablab.demo.accounts import ACCOUNTS, MAKER, NEWCOMER, Account
from machines.models import Qualification, QualificationGrant
from machines.models.qualification import Level
from people.models import STAFF_ROLES, Person, Role, RoleGrant, Site, Suspension

NAMES = (
    "Aïcha Diallo", "Baptiste Morel", "Chloé Lefèvre", "Dorian Petit", "Élodie Garnier", "Fatou Ndiaye",
    "Gaël Kerbrat", "Hélène Aubert", "Inès Moreno", "Jules Fontaine", "Karim Haddad", "Léa Chevalier",
    "Mathis Renard", "Nadia Belkacem", "Océane Tessier", "Paul Nguyen", "Quentin Barbier", "Rose Lemoine",
    "Samir Ouali", "Théo Guérin", "Ursule Blanchard", "Victor Picard", "Wassila Amrani", "Xavier Colin",
    "Yasmine Saïdi", "Zoé Marchand", "André Poirier", "Bernadette Roy", "Claude Mercier", "Denise Caron",
    "Étienne Lacroix", "Florence Adam", "Georges Prévost", "Huguette Noël", "Ismaël Traoré",
)  # fmt: skip
SUSPENDED = "demo-person-17"
# One in this many has no e-mail address, as in a real lab.
NO_EMAIL_EVERY = 4
TOWNS = ("Tours", "Saint-Pierre-des-Corps", "Joué-lès-Tours", "La Riche")
LONG_AGO = dt.timedelta(days=400)


def make_people(site: Site, *, now: dt.datetime) -> None:
    """Accounts, members and helpers with their roles and qualifications; whoever exists already is left alone."""
    known = set(Person.objects.filter(card_code__startswith="demo-").values_list("card_code", flat=True))
    hashed = {password: make_password(password) for password in {a.password for a in ACCOUNTS if _code(a) not in known}}
    for account in ACCOUNTS:
        if _code(account) not in known:
            _make_account(account, hashed[account.password], site, now)
    rng = Random("people")
    for number, name in enumerate(NAMES, start=1):
        # Drawn for everybody, so that each person is the same whoever exists already.
        age, qualifications = rng.randint(14, 76), _drawn(rng)
        if f"demo-person-{number:02d}" not in known:
            person = _make_person(number, name, now.year - age, now)
            _give_role(person, site, Role.SUPERVISOR if number in (5, 22) else Role.MEMBER, now)
            _qualify(person, qualifications, now)
    _suspend(Person.objects.get(card_code=SUSPENDED), now)


def _code(account: Account) -> str:
    return "demo-" + account.email.partition("@")[0]


def _make_account(account: Account, hashed: str, site: Site, now: dt.datetime) -> None:
    is_administrator = account.role == Role.ADMINISTRATOR
    person = Person.objects.create(
        card_code=_code(account),
        password=hashed,
        first_name=account.first_name,
        last_name=account.last_name,
        contact_email=account.email,
        is_staff=is_administrator,
        is_superuser=is_administrator,
        joined_at=now - (dt.timedelta(days=2) if account == NEWCOMER else LONG_AGO),
    )
    EmailAddress.objects.create(user=person, email=account.email, verified=True, primary=True)
    _give_role(person, site, account.role, now)
    if account.role in STAFF_ROLES:
        _qualify(person, [(slug, Level.TRAINER, None) for slug in _qualification_slugs()], now)
    elif account == MAKER:
        _qualify(person, [("demo-3d-printing", Level.ALONE, None)], now)


def _make_person(number: int, name: str, birth_year: int, now: dt.datetime) -> Person:
    first_name, _, last_name = name.partition(" ")
    person = Person(
        card_code=f"demo-person-{number:02d}",
        first_name=first_name,
        last_name=last_name,
        contact_email="" if number % NO_EMAIL_EVERY == 0 else f"person{number:02d}@demo.example",
        birth_year=birth_year,
        town=TOWNS[number % len(TOWNS)],
        phone=f"06 00 00 00 {number:02d}" if number % 3 else "",
        joined_at=now - LONG_AGO,
    )
    if person.is_minor_in(person.joined_at.year):
        person.guardian_name, person.guardian_phone = f"Claude {last_name}", f"06 00 00 01 {number:02d}"
    person.set_unusable_password()
    person.save()
    return person


def _give_role(person: Person, site: Site, role: Role, now: dt.datetime) -> None:
    RoleGrant.objects.create(person=person, site=site, role=role, granted_at=now - LONG_AGO)


def _qualification_slugs() -> list[str]:
    return list(Qualification.objects.filter(slug__startswith="demo-").values_list("slug", flat=True))


def _drawn(rng: Random) -> list[tuple[str, int, dt.timedelta | None]]:
    """Which qualifications somebody holds: most have one or two, a few only with help, a few expired."""
    drawn: list[tuple[str, int, dt.timedelta | None]] = []
    for slug, share in (("demo-3d-printing", 0.7), ("demo-cutting", 0.45), ("demo-textile", 0.5)):
        if rng.random() < share:
            level = Level.SUPERVISED if rng.random() < 0.12 else Level.ALONE
            # Counted from today; those in the past have expired by now.
            expires_in = dt.timedelta(days=rng.randint(-60, 300)) if rng.random() < 0.4 else None
            drawn.append((slug, level, expires_in))
    return drawn


def _qualify(person: Person, drawn: Iterable[tuple[str, int, dt.timedelta | None]], now: dt.datetime) -> None:
    found = {row.slug: row for row in Qualification.objects.filter(slug__startswith="demo-")}
    QualificationGrant.objects.bulk_create(
        QualificationGrant(
            person=person,
            qualification=found[slug],
            level=level,
            granted_at=now - dt.timedelta(days=200),
            expires_at=None if expires_in is None else now + expires_in,
        )
        for slug, level, expires_in in drawn
    )


def _suspend(person: Person, now: dt.datetime) -> None:
    if not person.suspensions.exists():
        Suspension.objects.create(
            person=person,
            reason="Trois réservations laissées sans prévenir : passez à l’accueil, nous en parlerons.",
            start=now - dt.timedelta(days=3),
        )
