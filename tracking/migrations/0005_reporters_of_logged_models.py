from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tracking", "0004_logged_models")]

    operations = [migrations.AddField("loggedmodel", "reporters", models.JSONField(blank=True, default=list))]
