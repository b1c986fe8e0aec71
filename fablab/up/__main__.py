"""`python -m fablab.up` is `manage.py up` with the data folder settled before the settings are read."""

import argparse
import os
import sys

from fablab.up.early import settle_data_dir
from fablab.up.errors import CannotStart
from fablab.up.options import add_arguments


def main() -> None:
    parser = argparse.ArgumentParser(prog="up", add_help=False)
    add_arguments(parser)
    known, _ = parser.parse_known_args()
    try:
        settle_data_dir(known.data_dir)
    except CannotStart as error:
        sys.exit(str(error))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fablab.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(["manage.py", "up", *sys.argv[1:]])


if __name__ == "__main__":
    main()
