"""What the tests of backups ask a lab's database beside its rows."""

from tests.fablab.backup_runs import Lab

# Counters, partitions, triggers and the rest that came with the tables.
MADE_WITH_TABLES = (
    "SELECT last_value FROM people_person_id_seq",
    "SELECT last_value FROM iot_foreign_reading",
    "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relispartition AND relkind = 'r'",
    "SELECT count(*) FROM pg_trigger WHERE tgenabled <> 'O'",
    "SELECT count(*) FROM pg_constraint",
    "SELECT count(*) FROM pg_indexes WHERE schemaname = 'public'",
)
NAMED = "SELECT count(*) FROM people_person WHERE last_name <> ''"
# Of whom `backup_lab.write` reserves for: who was erased no longer holds what was to come.
WRITTEN_WITHOUT_UNIT = (
    "SELECT count(*) FROM reservations_reservation r WHERE r.holder_id = (SELECT min(id) FROM people_person)"
    " AND NOT EXISTS (SELECT 1 FROM reservations_heldunit h WHERE h.reservation_id = r.id)"
)


def is_empty(lab: Lab) -> bool:
    return lab.value("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == 0


def made_with_tables(lab: Lab) -> dict[str, object]:
    return {question: lab.value(question) for question in MADE_WITH_TABLES}
