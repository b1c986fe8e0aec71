import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("reservations", "0004_site_of_each_reservation")]

    operations = [
        migrations.AlterField(
            model_name="reservation",
            name="site",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="reservations",
                to="people.site",
            ),
        ),
    ]
