"""What the demo made for itself and needs again: the devices' passwords and OctoPrint's port and key."""

import json
import os
from pathlib import Path

DEVICES, OCTOPRINT = "demo-devices.json", "demo-octoprint.json"


def read_kept(data_dir: Path, name: str) -> dict[str, str]:
    """The kept values; empty when there are none yet."""
    file = data_dir / name
    return json.loads(file.read_text()) if file.exists() else {}


def keep(data_dir: Path, name: str, values: dict[str, str]) -> None:
    """Replace the file in one step; only this account may read it.

    Raises:
        OSError: the folder cannot be written.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    draft = data_dir / f"{name}.{os.getpid()}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        json.dump(values, stream, indent=1)
    draft.replace(data_dir / name)
