"""`python -m tests.api.storm_seed CLIENTS`: a lab with one machine; prints the machine and a token for each client."""

import json
import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fablab.settings")


def main() -> None:
    import django

    django.setup()
    # Late: models need the applications above.
    from tests.api.lab import make_token
    from tests.factories import make_category, make_machine, make_person, minutes

    machine = make_machine(category=make_category(window=minutes(60 * 24 * 30)))
    keys = [make_token(make_person(), "read", "reserve")[1] for _ in range(int(sys.argv[1]))]
    print(json.dumps({"machine": machine.slug, "keys": keys}))


if __name__ == "__main__":
    main()
