"""Each reservation knows its site by itself: one without a machine has no other way to say where it is."""

from django.db import migrations

FORWARD = """
UPDATE reservations_reservation AS r SET site_id = u.site_id
FROM machines_machine AS m JOIN machines_unit AS u ON u.id = m.unit_id
WHERE m.id = r.machine_id AND r.site_id IS NULL;
SET CONSTRAINTS ALL IMMEDIATE;
"""


class Migration(migrations.Migration):
    dependencies = [("reservations", "0003_titles_and_series")]

    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
