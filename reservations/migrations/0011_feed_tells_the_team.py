from django.db import migrations, models

# Those of a team by then: as before.
FORWARD = """
UPDATE reservations_calendarfeed AS feed SET tells_the_team = true
WHERE EXISTS (
    SELECT FROM people_rolegrant
    WHERE person_id = feed.person_id AND granted_at <= feed.created_at
      AND role IN ('supervisor', 'mediator', 'fab_manager', 'administrator')
)
"""


class Migration(migrations.Migration):
    dependencies = [("reservations", "0010_given_up_in_time"), ("people", "0005_calls_at_screens")]
    operations = [
        migrations.AddField(
            model_name="calendarfeed", name="tells_the_team", field=models.BooleanField(default=False, editable=False)
        ),
        migrations.RunSQL(FORWARD, migrations.RunSQL.noop),
    ]
