"""Why a file cannot be read at all. What is wrong with one row is no error of the file: see `check`."""

from people.errors import PeopleError


class UnreadableFile(PeopleError):
    """The file is no list that can be read; nothing of it was kept."""
