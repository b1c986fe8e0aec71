"""The one exception family of this app."""


class MachinesError(Exception):
    """Something about a room, a machine or its rules cannot be done; `sentence` says why and what to do instead."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = sentence


class StillUsed(MachinesError):
    """Other things rest on it, so it cannot be removed."""


class AlreadyOut(MachinesError):
    """The machine is out of service at that moment already."""


class PhotoUnreadable(MachinesError):
    """The file is no picture that can be drawn anew."""
