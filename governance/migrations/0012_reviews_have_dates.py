from datetime import timedelta

from django.db import migrations, models


def give_dates(apps, schema_editor):
    """Reviews from before have the dates that their policies would have given them."""
    Review, SignOff = apps.get_model("governance", "Review"), apps.get_model("governance", "SignOff")
    for review in Review.objects.select_related("policy").iterator(chunk_size=1000):
        body = review.policy.body
        if days := body.get("review_days", 0):
            review.due_at = review.opened_at + timedelta(days=days)
        if review.outcome.startswith("approved") and (days := body.get("valid_days", 0)):
            signed = SignOff.objects.filter(review=review).order_by("-signed_at").first()
            review.valid_until = signed.signed_at + timedelta(days=days) if signed else None
        review.save(update_fields=["due_at", "valid_until"])


class Migration(migrations.Migration):
    dependencies = [("governance", "0011_signature_records_and_conditions")]

    operations = [
        *(
            migrations.AddField(model_name="review", name=name, field=models.DateTimeField(null=True))
            for name in ("due_at", "escalated_at", "valid_until", "reminded_at")
        ),
        migrations.RunPython(give_dates, migrations.RunPython.noop, elidable=True),
    ]
