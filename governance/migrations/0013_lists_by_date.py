from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("governance", "0012_reviews_have_dates")]

    operations = [
        migrations.AddIndex(
            model_name="review",
            index=models.Index(condition=models.Q(state="open"), fields=["due_at"], name="review_due"),
        ),
        migrations.AddIndex(
            model_name="review",
            index=models.Index(condition=models.Q(state="concluded"), fields=["valid_until"], name="review_valid_until"),
        ),
    ]
