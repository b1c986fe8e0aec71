from django.db import migrations, models

WAYS = [
    ("email", "by e-mail"),
    ("sms", "by SMS"),
    ("apprise", "by a channel of the team"),
    ("call", "by telephone, from the desk"),
]


class Migration(migrations.Migration):
    dependencies = [("people", "0003_groups_and_notices")]

    operations = [
        migrations.AlterField(
            model_name="delivery", name="channel", field=models.CharField(choices=WAYS, max_length=12)
        ),
        migrations.AlterField(
            model_name="noticepreference", name="channel", field=models.CharField(choices=WAYS, max_length=12)
        ),
    ]
