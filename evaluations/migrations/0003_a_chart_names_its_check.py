from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("evaluations", "0002_runs_are_called_off_and_repeated")]

    operations = [
        migrations.AddField(
            model_name="chart",
            name="check_name",
            field=models.CharField(blank=True, default="", max_length=64),
            preserve_default=False,
        ),
    ]
