#!/usr/bin/env python
import os
import sys


def main() -> int:
    if sys.argv[1:2] == ["up"]:
        # The supervisor decides where the data lies before any settings are read.
        del sys.argv[1]
        from fablab.up.__main__ import main as up

        return up()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fablab.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
    return 0


if __name__ == "__main__":
    sys.exit(main())
