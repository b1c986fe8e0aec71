import logging

from django.utils import timezone

from fablab.lib.jobs import periodic
from printing.other_prints import end_unseen

log = logging.getLogger(__name__)


@periodic("* * * * *")
def sweep_other_prints() -> None:
    if ended := end_unseen(now=timezone.now()):
        log.warning("Prints that were not sent from here and are not seen any more: %d.", ended)
