"""A lab's folder as `manage.py up` leaves it: tables, translations and static files are there, and it knows so.

Compressing the static files is a quarter of a minute's work, so they stay in build/static/ until a file that the
lab watches has changed.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

from fablab.lib.datadir import load_secrets
from fablab.up.postgres import EmbeddedPostgres
from fablab.up.prepare import _files_mark, note_prepared
from tests.migrated import ROOT, fill

KEPT = ROOT / "build" / "static"


def prepare_folder(data_dir: Path, *command: str) -> None:
    """Prepare a lab that has never been opened; with a command of `manage.py`, that is run too."""
    server = EmbeddedPostgres(
        data_dir, password=load_secrets(data_dir)["database_password"], options={"fsync": "off"}
    )  # fmt: skip
    server.start()
    try:
        fill(server.url, "fablab")
        done = subprocess.run(
            [sys.executable, "-m", "tests.e2e.prepared", *command],
            cwd=ROOT,
            env=os.environ | {"DATABASE_URL": server.url, "FABLAB_DATA_DIR": str(data_dir)},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    finally:
        server.stop()


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fablab.settings")
    import django
    from django.conf import settings
    from django.core.management import call_command

    django.setup()
    # All that `migrate`, whose tables are there, leaves to the preparation.
    call_command("createcachetable", verbosity=0)
    if sys.argv[1:]:
        call_command(*sys.argv[1:])
    _gather(settings.DATA_DIR / "staticfiles")
    note_prepared(ROOT, settings.DATA_DIR, os.environ["DATABASE_URL"])


def _gather(folder: Path) -> None:
    from django.core.management import call_command

    kept = KEPT / _files_mark(ROOT)[:16]
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if kept.exists():
            shutil.copytree(kept, folder)
            return
        for outdated in KEPT.iterdir():
            if outdated.is_dir():
                shutil.rmtree(outdated)
        call_command("collectstatic", interactive=False, verbosity=0, clear=True)
        draft = KEPT / "draft"
        shutil.copytree(folder, draft)
        draft.rename(kept)


if __name__ == "__main__":
    main()
