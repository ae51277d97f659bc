"""A fixed run cannot be changed; `ledger.protection` renews this trigger after each migrate, and makes those of its parts."""

from django.db import migrations

FIXED = """
CREATE OR REPLACE TRIGGER ledger_no_change BEFORE UPDATE OR DELETE ON "tracking_trainingrun" FOR EACH ROW
WHEN (OLD.fixed_at IS NOT NULL) EXECUTE FUNCTION ledger_refuse_change();
ALTER TABLE "tracking_trainingrun" ENABLE ALWAYS TRIGGER ledger_no_change;
CREATE OR REPLACE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON "tracking_trainingrun" FOR EACH STATEMENT
EXECUTE FUNCTION ledger_refuse_change();
ALTER TABLE "tracking_trainingrun" ENABLE ALWAYS TRIGGER ledger_no_truncate;
"""
FREE = """
DROP TRIGGER IF EXISTS ledger_no_change ON "tracking_trainingrun";
DROP TRIGGER IF EXISTS ledger_no_truncate ON "tracking_trainingrun";
"""


class Migration(migrations.Migration):
    dependencies = [("tracking", "0001_initial"), ("ledger", "0002_append_only")]

    operations = [migrations.RunSQL(sql=FIXED, reverse_sql=FREE)]
