import datetime as dt

from django.utils import timezone

from fablab.lib.jobs import deferred, enqueue, periodic
from people.imports.run import TASK, forget_imports, imports_to_resume, run_import
from people.models import IdempotentRequest
from people.notices.calls import drop_calls_that_are_over
from people.notices.inbox import pass_over
from people.notices.send import send_due
from people.visits import end_forgotten_visits

HONOURED_FOR = dt.timedelta(hours=24)


@periodic("7 * * * *")
def forget_answered_requests() -> None:
    IdempotentRequest.objects.filter(created_at__lt=timezone.now() - HONOURED_FOR).delete()


@periodic("23 * * * *")
def end_visits_nobody_ended() -> None:
    end_forgotten_visits(now=timezone.now())


@deferred
def import_people(reference: str) -> None:
    run_import(reference=reference, clock=timezone.now)


@periodic("* * * * *")
def resume_imports() -> None:
    # Not run here: a sweep that was killed half-way would hold its own lock.
    for reference in imports_to_resume():
        enqueue(TASK, reference=reference)


@periodic("* * * * *")
def send_notices() -> None:
    send_due(clock=timezone.now)


@periodic("*/10 * * * *")
def pass_over_what_is_over() -> None:
    drop_calls_that_are_over(now=timezone.now())
    pass_over(now=timezone.now())


@periodic("41 * * * *")
def forget_old_imports() -> None:
    forget_imports(now=timezone.now())
