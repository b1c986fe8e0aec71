import datetime as dt

from django.utils import timezone

from fablab.lib.jobs import periodic
from reservations.models import Refusal
from reservations.services import close_ended_reservations

# Refusals name no one, and after this long only their counts matter.
REFUSALS_KEPT = dt.timedelta(days=396)


@periodic("* * * * *")
def close_ended() -> None:
    close_ended_reservations(now=timezone.now())


@periodic("17 3 * * *")
def forget_old_refusals() -> None:
    Refusal.objects.filter(at__lt=timezone.now() - REFUSALS_KEPT).delete()
