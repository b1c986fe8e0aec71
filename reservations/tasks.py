from django.utils import timezone

from fablab.lib.jobs import periodic
from reservations.services import close_ended_reservations


@periodic("* * * * *")
def close_ended() -> None:
    close_ended_reservations(now=timezone.now())
