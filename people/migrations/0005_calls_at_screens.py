from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("people", "0004_notices_by_sms")]

    operations = [
        migrations.AddField(
            model_name="kiosk",
            name="called_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
    ]
