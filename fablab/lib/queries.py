"""Words from an address, fit to be looked up."""

from collections.abc import Mapping


def query_word(params: Mapping[str, str], name: str) -> str:
    """The parameter, "" when it is missing. NUL characters are left out: PostgreSQL refuses a text with one."""
    return params.get(name, "").replace("\x00", "")
