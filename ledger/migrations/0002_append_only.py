"""Append-only triggers and the outbox's trigger, frozen as of this migration; `ledger.protection` renews them after each migrate."""

from django.db import migrations

FUNCTIONS = [
    """CREATE OR REPLACE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$
""",
    """CREATE OR REPLACE FUNCTION ledger_enqueue() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO ledger_pending (event_id) VALUES (NEW.id);
    RETURN NULL;
END $$
""",
]
TRIGGERS = [
    'CREATE OR REPLACE TRIGGER ledger_no_change BEFORE UPDATE OR DELETE ON "ledger_event" FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change()',
    'ALTER TABLE "ledger_event" ENABLE ALWAYS TRIGGER ledger_no_change',
    'CREATE OR REPLACE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON "ledger_event" FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change()',
    'ALTER TABLE "ledger_event" ENABLE ALWAYS TRIGGER ledger_no_truncate',
    'CREATE OR REPLACE TRIGGER ledger_no_change BEFORE UPDATE OR DELETE ON "ledger_leaf" FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change()',
    'ALTER TABLE "ledger_leaf" ENABLE ALWAYS TRIGGER ledger_no_change',
    'CREATE OR REPLACE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON "ledger_leaf" FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change()',
    'ALTER TABLE "ledger_leaf" ENABLE ALWAYS TRIGGER ledger_no_truncate',
    'CREATE OR REPLACE TRIGGER ledger_no_change BEFORE UPDATE OR DELETE ON "ledger_seal" FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change()',
    'ALTER TABLE "ledger_seal" ENABLE ALWAYS TRIGGER ledger_no_change',
    'CREATE OR REPLACE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON "ledger_seal" FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change()',
    'ALTER TABLE "ledger_seal" ENABLE ALWAYS TRIGGER ledger_no_truncate',
    'CREATE OR REPLACE TRIGGER ledger_enqueue AFTER INSERT ON "ledger_event" FOR EACH ROW EXECUTE FUNCTION ledger_enqueue()',
    'ALTER TABLE "ledger_event" ENABLE ALWAYS TRIGGER ledger_enqueue',
]
REVERSE = [
    "DROP FUNCTION ledger_enqueue() CASCADE",
    "DROP FUNCTION ledger_refuse_change() CASCADE",
]


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]

    operations = [migrations.RunSQL(sql=[*FUNCTIONS, *TRIGGERS], reverse_sql=REVERSE)]
