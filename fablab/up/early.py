"""What must be settled before the settings are read: the data folder."""

import os
from pathlib import Path

from fablab.lib.datadir import data_dir
from fablab.up.checks import require_writable


def settle_data_dir(chosen: Path | None) -> Path:
    """Put the chosen folder (None: the usual one) where the settings look for it, and try to write in it.

    Raises:
        FolderNotUsable: it cannot be made or written.
    """
    if chosen is not None:
        os.environ["FABLAB_DATA_DIR"] = str(chosen.expanduser().resolve())
    folder = data_dir()
    require_writable(folder)
    return folder
