"""Uses begun on a phone and forgotten end by themselves. Registered by `iot.apps`."""

from django.utils import timezone

from fablab.lib.jobs import periodic
from iot.manual_use import sweep_manual


@periodic("* * * * *")
def end_forgotten_uses() -> None:
    sweep_manual(now=timezone.now())
