"""What is left of credits follows from the ledger; neither the ledger nor the history of a reservation changes.

Erasing a person may still empty what was written about them, and no more.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION reservations_ledger_moves_lot() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE reservations_creditlot SET "left" = "left" + NEW.amount WHERE id = NEW.lot_id;
    RETURN NULL;
END $$;

CREATE TRIGGER ledger_moves_lot AFTER INSERT ON reservations_creditentry
    FOR EACH ROW EXECUTE FUNCTION reservations_ledger_moves_lot();

CREATE FUNCTION reservations_ledger_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE'
       AND (NEW.lot_id, NEW.amount, NEW.why, NEW.at) = (OLD.lot_id, OLD.amount, OLD.why, OLD.at)
       AND NEW.reservation_id IS NOT DISTINCT FROM OLD.reservation_id
       AND (NEW.words = OLD.words OR NEW.words = '' OR current_setting('fablab.erasing', true) = 'on')
       AND (NEW.by_id IS NOT DISTINCT FROM OLD.by_id OR NEW.by_id IS NULL) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the ledger is only added to' USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER ledger_stays BEFORE UPDATE OR DELETE ON reservations_creditentry
    FOR EACH ROW EXECUTE FUNCTION reservations_ledger_stays();

CREATE FUNCTION reservations_deed_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE'
       AND (NEW.reservation_id, NEW.kind, NEW.at, NEW.origin, NEW.overridden, NEW.before)
         = (OLD.reservation_id, OLD.kind, OLD.at, OLD.origin, OLD.overridden, OLD.before)
       AND (NEW.why = OLD.why OR NEW.why = '' OR current_setting('fablab.erasing', true) = 'on')
       AND (NEW.by_id IS NOT DISTINCT FROM OLD.by_id OR NEW.by_id IS NULL)
       AND (NEW.behalf_of_id IS NOT DISTINCT FROM OLD.behalf_of_id OR NEW.behalf_of_id IS NULL) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the history of a reservation is only added to' USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER deed_stays BEFORE UPDATE OR DELETE ON reservations_deed
    FOR EACH ROW EXECUTE FUNCTION reservations_deed_stays();
"""

BACKWARD = """
DROP TRIGGER deed_stays ON reservations_deed;
DROP FUNCTION reservations_deed_stays();
DROP TRIGGER ledger_stays ON reservations_creditentry;
DROP FUNCTION reservations_ledger_stays();
DROP TRIGGER ledger_moves_lot ON reservations_creditentry;
DROP FUNCTION reservations_ledger_moves_lot();
"""


class Migration(migrations.Migration):
    dependencies = [("reservations", "0007_whole_engine")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
