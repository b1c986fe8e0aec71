from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("iot", "0008_machines_that_are_hot")]

    operations = [
        migrations.AddField(model_name="reportedstate", name="is_paused", field=models.BooleanField(default=False)),
    ]
