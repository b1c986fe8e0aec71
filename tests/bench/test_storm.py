"""The storm at its full size: 8 hands, 10,000 steps."""

import time
from collections import Counter

import pytest
from django.conf import settings

from tests.reservations.storm import Storm

pytestmark = [
    pytest.mark.serial,
    pytest.mark.django_db(transaction=True, available_apps=list(settings.INSTALLED_APPS)),
]


def test_ten_thousand_steps_leave_nothing_broken():
    storm, began_s = Storm(seed=2026), time.monotonic()

    storm.run(hands=8, steps=1250)

    taken_s, faults = time.monotonic() - began_s, storm.faults()
    broken = Counter(f"{type(error).__name__}: {str(error).splitlines()[0]}" for error in storm.broken)
    # Both at once: on a busy machine a wait for a lock may break off, and what the database holds still counts.
    print(f"\n10,000 steps by 8 hands in {taken_s:.0f} s: {dict(storm.counts)}; {faults}; {dict(broken)}")
    assert faults == {"overlaps": 0, "out of step": 0, "offers astray": 0, "ledger": 0}
    assert broken == {}
