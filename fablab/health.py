"""Signs of life of the parts we rely on."""

import datetime as dt
import socket
from collections.abc import Mapping

from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateWorker

BEAT_WITHIN = dt.timedelta(seconds=60)


def worker_beats() -> bool:
    """Whether some worker's heart beat within the last minute."""
    return ProcrastinateWorker.objects.filter(last_heartbeat__gt=timezone.now() - BEAT_WITHIN).exists()


def broker_answers(broker: Mapping[str, object], timeout_s: float = 1.0) -> bool:
    """Whether something listens where the broker should be."""
    try:
        with socket.create_connection((str(broker["host"]), int(str(broker["port"]))), timeout=timeout_s):
            return True
    except OSError:
        return False
