"""Training runs and their curves cannot be changed; `ledger.protection` renews the triggers after each migrate."""

from django.db import migrations

TABLES = {
    "tracking_trainingrun": "",
    "tracking_metricseries": "",
}


def triggers(table: str, condition: str) -> list[str]:
    each_row = f'BEFORE UPDATE OR DELETE ON "{table}" FOR EACH ROW{condition}'
    return [
        f"CREATE OR REPLACE TRIGGER ledger_no_change {each_row} EXECUTE FUNCTION ledger_refuse_change()",
        f'ALTER TABLE "{table}" ENABLE ALWAYS TRIGGER ledger_no_change',
        f'CREATE OR REPLACE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON "{table}" FOR EACH STATEMENT '
        "EXECUTE FUNCTION ledger_refuse_change()",
        f'ALTER TABLE "{table}" ENABLE ALWAYS TRIGGER ledger_no_truncate',
    ]


class Migration(migrations.Migration):
    dependencies = [("tracking", "0001_initial"), ("ledger", "0002_append_only")]

    operations = [
        migrations.RunSQL(
            sql=[statement for table, condition in TABLES.items() for statement in triggers(table, condition)],
            reverse_sql=[
                f'DROP TRIGGER IF EXISTS {name} ON "{table}"' for table in TABLES for name in ("ledger_no_change", "ledger_no_truncate")
            ],
        )
    ]
