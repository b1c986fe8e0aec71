"""What prints cost: one price for a site, and one for each kind of machine that wants its own."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q

from fablab.lib.changes import note_change
from machines.models import Category
from people.models import Person, Site
from printing.accounting import price_cents
from printing.models import PrintPrice

# What every price is told by: as large as a pencil box.
EXAMPLE_TIME = dt.timedelta(hours=2)
EXAMPLE_G = 40.0


@dataclass(frozen=True, slots=True)
class Priced:
    """A kind of machine, None for all others, with the price set for it, if any."""

    category: Category | None
    price: PrintPrice | None

    @property
    def example_cents(self) -> int:
        """What the example costs; 0 without a price."""
        return example_cents(self.price) if self.price is not None else 0


def prices_at(site: Site) -> list[Priced]:
    """For all machines first, then each kind that prints there or has a price. Two queries."""
    known = {row.category_id: row for row in PrintPrice.objects.filter(site=site)}
    prints_there = Q(machines__unit__site=site, machines__retired_at=None, machines__printer__isnull=False)
    kinds = Category.objects.filter(prints_there | Q(pk__in=[pk for pk in known if pk])).distinct()
    rows = [Priced(None, known.get(None))]
    return rows + [Priced(kind, known.get(kind.pk)) for kind in kinds]


def priced_sites(sites: Collection[Site]) -> int:
    """How many of them have a price."""
    return PrintPrice.objects.filter(site__in=sites).values("site").distinct().count()


def price_of(site: Site, category: Category | None) -> PrintPrice | None:
    """The one set for exactly this."""
    return PrintPrice.objects.filter(site=site, category=category).first()


def example_cents(price: PrintPrice, printed: dt.timedelta = EXAMPLE_TIME, grams: float = EXAMPLE_G) -> int:
    """What a print of this length and weight costs, from a spool without a price of its own."""
    return price_cents(price, printed, grams, kg_cents=price.kg_cents)


@transaction.atomic
def set_price(
    *, site: Site, category: Category | None, base_cents: int, hour_cents: int, kg_cents: int, by: Person | None
) -> PrintPrice:
    """From now on; what is printed already keeps its price."""
    values = {"base_cents": base_cents, "hour_cents": hour_cents, "kg_cents": kg_cents}
    price, _is_new = PrintPrice.objects.update_or_create(site=site, category=category, defaults=values)
    note_change("price", price, by)
    return price


@transaction.atomic
def remove_price(*, site: Site, category: Category | None, by: Person | None) -> None:
    """The kind costs what all cost; without the price for all, nothing is said of cost."""
    price = PrintPrice.objects.select_for_update(of=("self",)).filter(site=site, category=category).first()
    if price is not None:
        note_change("removed price", price, by)
        price.delete()
