"""Why the lab cannot open, as one sentence that says what to do next."""


class CannotStart(Exception):
    """Something the lab needs is missing or taken; the text is shown to the person as it is."""


class FolderOfAnotherVersion(CannotStart):
    """The data folder was made by another major version of PostgreSQL."""


class FolderNotUsable(CannotStart):
    """A folder cannot be written, or the database's user cannot reach it."""


class FolderInUse(CannotStart):
    """Another process already works on this data folder."""


class StopRequested(Exception):
    """The person asked to stop while something was being waited for."""
