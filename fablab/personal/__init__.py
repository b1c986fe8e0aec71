"""What the lab does with personal data as a whole; found by name, like the `personal.py` of each app."""

from fablab.personal import sheets  # noqa: F401  (registers itself)
