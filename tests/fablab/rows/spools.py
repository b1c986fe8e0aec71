"""Filament: the spools that there are, and what prints cost."""

import datetime as dt

from printing.models import Spool
from printing.print_prices import set_price
from printing.spools import create_spool
from tests.api.lab import Lab
from tests.fablab.rows.row import ALL_405, MANAGERS, MANAGERS_THERE, TEAM, TEAM_THERE, Row

# Whoever answers for the machines: supervisors and managers. A mediator reads.
KEEPERS = "302 403 403 403 200 403 200 200 200"
ADDED = "302 403 403 403 302 403 302 302 400"
KEEPERS_THERE = "302 403 403 403 200 403 403 200 200"
DONE = "302 403 403 403 302 403 403 302 302"
MANAGED = "302 403 403 403 403 403 403 302 302"

SPOOL = {"material": "PETG", "colour": "red", "weight_g": "1000", "low_g": "100", "opened_at": "2026-11-02"}
PRICE = {"base_cents": "0.50", "hour_cents": "0.40", "kg_cents": "20"}

ROWS: tuple[Row, ...] = (
    Row("manage-spools", TEAM, TEAM),
    # An administrator of two places says at which.
    Row("manage-spool-new", KEEPERS, ADDED, data=SPOOL),
    Row("manage-spool", TEAM_THERE, TEAM_THERE, ("{spool}",)),
    Row("manage-spool-edit", KEEPERS_THERE, DONE, ("{spool}",), data=SPOOL),
    Row("manage-spool-weigh", ALL_405, DONE, ("{spool}",), data={"left_g": "300"}),
    Row("manage-spool-hang", ALL_405, DONE, ("{spool}",), data={"machine": "{printer}"}),
    Row("manage-spool-act", ALL_405, DONE, ("{spool}", "off"), variant="off"),
    Row("manage-spool-act", ALL_405, DONE, ("{spool}", "retire"), variant="retire"),
    Row("manage-spool-act", ALL_405, DONE, ("{spool}", "restore"), variant="restore"),
    Row("manage-print-prices", MANAGERS, MANAGERS),
    Row("manage-print-price", MANAGERS_THERE, MANAGED, ("{site}",), data=PRICE),
    Row("manage-print-price-kind", MANAGERS_THERE, MANAGED, ("{site}", "{printed_kind}"), data=PRICE),
    Row("manage-print-price-remove", ALL_405, MANAGED, ("{site}", "{printed_kind}")),
)


def words(lab: Lab) -> dict[str, str]:
    """A spool at the lab's place, and a price for the kind of its printer."""
    kind = lab.printer_machine.category
    known = Spool.objects.filter(site=lab.site).first()
    if known is None:
        known = create_spool(
            site=lab.site, left_g=500, by=None, material="PLA", colour="black", maker="", weight_g=1000, low_g=100,
            price_cents_per_kg=0, opened_at=dt.date(2026, 11, 1),
        )  # fmt: skip
        set_price(site=lab.site, category=kind, base_cents=50, hour_cents=40, kg_cents=2000, by=None)
    return {"spool": known.reference, "printed_kind": kind.slug}
