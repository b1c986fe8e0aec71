"""Who checked in before the start and left again before it was counted as one who had given up in time; what they had
given up stays uncounted, now that having come makes it count (see quotas.GIVEN_UP_LATE). No release lies between."""

from django.db import migrations

FORWARD = """
UPDATE reservations_reservation SET checked_in_at = NULL
WHERE status = 'cancelled' AND checked_in_at IS NOT NULL AND cancelled_at <= booked_start
"""


class Migration(migrations.Migration):
    dependencies = [("reservations", "0009_staying")]
    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
