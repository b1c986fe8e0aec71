"""Credits: packs, what somebody has, and the ledger."""

from django.utils import timezone

from reservations.credits import give_credits
from reservations.models import CreditLot, CreditPack
from tests.api.lab import Lab
from tests.fablab.rows.row import ALL_405, MANAGERS, SIGNED_IN, Row

# A pack stands in no place: whoever changes it manages all places with machines.
CHANGED = "302 403 403 403 403 403 403 302 302"
MADE = "302 403 403 403 403 403 302 302 302"
FILES = "302 403 403 403 200 200 404 200 200"
GIVEN = "302 403 403 403 302 302 404 302 302"
CORRECTED = "302 403 403 403 403 403 404 302 302"
LEDGERS = "302 403 403 403 403 403 404 200 200"

PACK = {"name_fr": "Dix", "name_en": "Ten", "credits": "10", "days_valid": "365"}
CORRECTION = {"lot": "{lot}", "direction": "take", "amount": "1", "words": "Twice"}

ROWS: tuple[Row, ...] = (
    Row("me-credits", SIGNED_IN, SIGNED_IN),
    Row("rules-credits", MANAGERS, MANAGERS),
    Row("rules-pack-new", MANAGERS, MADE, data=PACK),
    Row("rules-pack", MANAGERS, CHANGED, ("{pack}",), data=PACK),
    Row("rules-pack-act", ALL_405, CHANGED, ("{pack}", "archive"), variant="archive"),
    Row("rules-pack-act", ALL_405, CHANGED, ("{pack}", "restore"), variant="restore"),
    Row("people-credits", FILES, FILES, ("{holder}",)),
    Row("people-credits-give", ALL_405, GIVEN, ("{holder}",), data={"pack": "{pack}"}),
    Row("people-credits-correct", ALL_405, CORRECTED, ("{holder}",), data=CORRECTION),
    Row("people-credits-csv", LEDGERS, ALL_405, ("{holder}",)),
)


def words(lab: Lab) -> dict[str, str]:
    """A pack, and what the holder has of it."""
    now, holder = timezone.now(), lab.people["holder"]
    assert holder is not None
    pack, is_new = CreditPack.objects.get_or_create(name_fr="Cinq", name_en="Five", credits=5)
    if is_new:
        give_credits(person=holder, amount=5, pack=pack, by=None, now=now, words="wedding surprise")
    return {"pack": str(pack.pk), "lot": str(CreditLot.objects.get(pack=pack).pk)}
