"""Background work, in one place: procrastinate, jobs in PostgreSQL, enqueued in the caller's transaction."""

from collections.abc import Callable
from typing import Any

from procrastinate.contrib.django import app

Task = Callable[..., Any]


def periodic(cron: str, *, is_alone: bool = True) -> Callable[[Task], Task]:
    """Run the function at these times (five cron fields), once for all workers, never twice at a time.

    Not `is_alone`: nor does it wait for a run that was killed, and two may meet.
    A run that was missed is not made up: every sweep must find what the last one left.
    """

    def decorate(function: Task) -> Task:
        name = f"{function.__module__}.{function.__name__}"

        def run(timestamp: int) -> None:
            function()

        run.__name__ = function.__name__
        task = app.task(name=name, queueing_lock=name, lock=name if is_alone else None, pass_context=False)(run)
        app.periodic(cron=cron)(task)
        return function

    return decorate


def deferred(function: Task) -> Task:
    """Let the function be run once, later, by the worker: see `enqueue`. Its arguments are JSON.

    A job whose worker was killed is not begun anew: a sweep must find what it left.
    """
    app.task(name=f"{function.__module__}.{function.__name__}", pass_context=False)(function)
    return function


def enqueue(name: str, **arguments: Any) -> None:
    """Have the worker run the deferred function of this name (“people.tasks.import_people”), once the caller's
    transaction is committed."""
    app.configure_task(name).defer(**arguments)
