from datetime import timedelta

from django.db import migrations, models

from accounts.roles import Role


def give_reminders(apps, schema_editor):
    """Approvals from before are reminded of as their policies say."""
    Review = apps.get_model("governance", "Review")
    for review in Review.objects.exclude(valid_until=None).select_related("policy").iterator(chunk_size=1000):
        review.remind_at = review.valid_until - timedelta(days=review.policy.body.get("remind_days", 0))
        review.save(update_fields=["remind_at"])


class Migration(migrations.Migration):
    dependencies = [("governance", "0015_exceptions")]

    operations = [
        migrations.AddField(
            "review",
            "escalated_to",
            models.CharField(blank=True, choices=Role.choices, default="", max_length=32),
            preserve_default=False,
        ),
        migrations.AddField("review", "remind_at", models.DateTimeField(null=True)),
        migrations.RunPython(give_reminders, migrations.RunPython.noop, elidable=True),
    ]
