from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("iot", "0007_what_devices_have")]

    operations = [
        migrations.AddField(model_name="reportedstate", name="hot_at", field=models.DateTimeField(null=True)),
    ]
