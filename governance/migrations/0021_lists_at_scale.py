from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("governance", "0020_signing_is_delegated")]

    operations = [
        migrations.AddIndex(
            model_name="review",
            index=models.Index(
                condition=Q(state="concluded", reminded_at__isnull=False), fields=["valid_until"], name="review_ending"
            ),
        ),
        migrations.AddIndex(
            model_name="review",
            index=models.Index(condition=~Q(state="open"), fields=["-concluded_at"], name="review_decided"),
        ),
    ]
