"""A review may go on beside the approval that it looks at anew."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("governance", "0022_mails_tell_of_delegations")]

    operations = [
        migrations.AddField(
            model_name="review",
            name="renews",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="renewals", to="governance.review"
            ),
        ),
        migrations.AddField(
            model_name="review",
            name="cause",
            field=models.CharField(
                blank=True,
                choices=[
                    ("periodic", "The approval soon ends"),
                    ("risk_tier", "The model has a higher risk tier"),
                    ("policy", "A stricter policy is in force"),
                    ("finding", "A grave finding was raised"),
                ],
                max_length=12,
            ),
        ),
        migrations.AddField(model_name="review", name="earlier_holds_until", field=models.DateTimeField(null=True)),
        migrations.AddField(model_name="review", name="held_against", field=models.UUIDField(null=True)),
    ]
