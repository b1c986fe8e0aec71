import datetime as dt

from django.utils import timezone

from fablab.lib.jobs import periodic
from people.models import IdempotentRequest

HONOURED_FOR = dt.timedelta(hours=24)


@periodic("7 * * * *")
def forget_answered_requests() -> None:
    IdempotentRequest.objects.filter(created_at__lt=timezone.now() - HONOURED_FOR).delete()
