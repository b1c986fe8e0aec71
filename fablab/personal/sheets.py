"""The sheets of the day hold names on the disk, beside every table."""

import datetime as dt

from fablab.lib.personal_data import erases
from fablab.today_sheets import remove_sheets
from people.models import Person


@erases
def take_back_sheets(person: Person, now: dt.datetime) -> None:
    """Whoever is erased stands on no sheet: the next hour makes them anew without the name."""
    remove_sheets()
