"""The demo's accounts have public passwords: a database that holds them stays on this machine."""

import psycopg

from fablab.up.errors import CannotStart

# The address of each demo account ends so; `.example` can be nobody's: RFC 2606.
DEMO_ADDRESSES = "%@demo.example"


def require_no_demo_data(database_url: str) -> None:
    """Refuse to open a lab with the demo's accounts to other machines, whatever it was started with.

    Raises:
        CannotStart: there are some.
    """
    with psycopg.connect(database_url, connect_timeout=5) as connection:
        found = connection.execute(
            "SELECT 1 FROM people_person AS person WHERE is_active AND (contact_email LIKE %s OR EXISTS"
            " (SELECT 1 FROM account_emailaddress WHERE user_id = person.id AND email LIKE %s)) LIMIT 1",
            [DEMO_ADDRESSES, DEMO_ADDRESSES],
        ).fetchone()
    if found:
        raise CannotStart(
            "This data folder holds the demo, whose accounts and passwords are public: give your own lab a folder of "
            "its own with --data-dir (or a database of its own with DATABASE_URL), or open on this machine only."
        )
