from django.db import migrations, models

# No desk could start such a seat: it was handed over and taken back.
ONE_OF_THE_TWO = "UPDATE machines_category SET is_seat = FALSE WHERE is_seat AND is_lent"


class Migration(migrations.Migration):

    dependencies = [
        ('machines', '0004_rules_for_some'),
    ]

    operations = [
        migrations.RunSQL(ONE_OF_THE_TWO, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name='category',
            constraint=models.CheckConstraint(condition=models.Q(('is_lent', True), ('is_seat', True), _negated=True), name='category_seat_is_not_lent', violation_error_message='A seat stays in the place, and what leaves the place is no seat: tick one of the two.'),
        ),
    ]
