from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("printing", "0004_others_on_the_bed"),
    ]

    operations = [
        migrations.AddField(
            model_name="printjob",
            name="told_time",
            field=models.DurationField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="printjob",
            name="told_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="printjob",
            name="used_mm",
            field=models.FloatField(blank=True, editable=False, null=True),
        ),
    ]
