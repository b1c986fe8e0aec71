"""The demo's filament on the shelf, and what a print costs."""

from people.models import Site
from printing.models import PrintPrice, Spool

SPOOLS = (
    ("PLA", "bleu / blue", "Prusament", 1000, 640.0, 2900),
    ("PLA", "blanc / white", "eSun", 1000, 85.0, 2100),
    ("PETG", "orange", "Prusament", 1000, 930.0, 3000),
)
BASE_CENTS, HOUR_CENTS, KG_CENTS = 50, 40, 2500


def make_filament(site: Site) -> None:
    """Three spools, one of them nearly empty, and one price; nothing the second time."""
    if Spool.objects.filter(site=site).exists():
        return
    for material, colour, maker, weight_g, left_g, price_cents in SPOOLS:
        Spool.objects.create(
            site=site, material=material, colour=colour, maker=maker, weight_g=weight_g, left_g=left_g,
            price_cents_per_kg=price_cents,
        )  # fmt: skip
    PrintPrice.objects.get_or_create(
        site=site, category=None,
        defaults={"base_cents": BASE_CENTS, "hour_cents": HOUR_CENTS, "kg_cents": KG_CENTS},
    )  # fmt: skip
