"""Registered versions, links and findings cannot be changed; `ledger.protection` renews the triggers after each migrate."""

from django.db import migrations

TABLES = {
    "data_registry_datasetversion": " WHEN (OLD.state = 'registered')",
    "data_registry_link": "",
    "data_registry_piifinding": "",
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
    dependencies = [("data_registry", "0001_initial"), ("ledger", "0002_append_only")]

    operations = [
        migrations.RunSQL(
            sql=[statement for table, condition in TABLES.items() for statement in triggers(table, condition)],
            reverse_sql=[
                f'DROP TRIGGER IF EXISTS {name} ON "{table}"' for table in TABLES for name in ("ledger_no_change", "ledger_no_truncate")
            ],
        )
    ]
