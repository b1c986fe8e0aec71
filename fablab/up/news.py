"""What a changelog has gained. Pure."""


def entries(changelog: str) -> list[str]:
    """Its list items, each in one line, in order."""
    found: list[str] = []
    is_open = False
    for line in changelog.splitlines():
        if line.startswith("- "):
            found.append(line.strip())
            is_open = True
        elif is_open and line.startswith("  ") and line.strip():
            found[-1] += f" {line.strip()}"
        else:
            is_open = False
    return found


def news(former: str, present: str) -> list[str]:
    """The items of `present` that `former` did not have."""
    known = set(entries(former))
    return [entry for entry in entries(present) if entry not in known]
