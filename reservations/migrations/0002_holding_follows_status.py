"""`held_units.is_holding` follows the reservation's status, whoever writes it."""

from django.db import migrations

HOLDING = "('held', 'pending', 'confirmed', 'in_use', 'completed')"

FORWARD = f"""
CREATE FUNCTION reservations_held_unit_follows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT status IN {HOLDING} INTO NEW.is_holding FROM reservations_reservation WHERE id = NEW.reservation_id;
    RETURN NEW;
END $$;

CREATE TRIGGER held_unit_follows_reservation
    BEFORE INSERT OR UPDATE OF is_holding, reservation_id ON reservations_heldunit
    FOR EACH ROW EXECUTE FUNCTION reservations_held_unit_follows();

CREATE FUNCTION reservations_status_moves_held_units() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE reservations_heldunit SET is_holding = (NEW.status IN {HOLDING}) WHERE reservation_id = NEW.id;
    RETURN NULL;
END $$;

CREATE TRIGGER status_moves_held_units
    AFTER UPDATE OF status ON reservations_reservation
    FOR EACH ROW WHEN ((OLD.status IN {HOLDING}) IS DISTINCT FROM (NEW.status IN {HOLDING}))
    EXECUTE FUNCTION reservations_status_moves_held_units();
"""

BACKWARD = """
DROP TRIGGER status_moves_held_units ON reservations_reservation;
DROP TRIGGER held_unit_follows_reservation ON reservations_heldunit;
DROP FUNCTION reservations_status_moves_held_units();
DROP FUNCTION reservations_held_unit_follows();
"""


class Migration(migrations.Migration):
    dependencies = [("reservations", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
