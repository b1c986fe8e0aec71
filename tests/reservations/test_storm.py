"""Eight hands at once, every service of the engine at random: nothing overlaps, no offer and no credit is lost.

At full size (10,000 steps) it runs in tests/bench/test_storm.py.
"""

import pytest
from django.conf import settings

from reservations.models import Reservation
from tests.reservations.storm import Storm

pytestmark = [
    pytest.mark.serial,
    pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS)),
]


def test_storm_leaves_nothing_broken():
    storm = Storm(seed=1)

    storm.run(hands=8, steps=60)

    assert storm.broken == []
    assert storm.faults() == {"overlaps": 0, "out of step": 0, "offers astray": 0, "ledger": 0}
    assert storm.counts["create"] > 10
    assert Reservation.objects.filter(status="held").exists() or storm.counts["answer_offer"] > 0
