"""Run the cases one after the other."""

from collections.abc import Sequence

from django.conf import settings
from django.template import TemplateDoesNotExist, TemplateSyntaxError
from django.test.utils import override_settings

from fablab.bench.cases import CASES, Case
from fablab.bench.measure import Result
from fablab.bench.requests import UnexpectedAnswer

# The hashed names of static files need `collectstatic` first, and cost a look into a dictionary.
PLAIN_STATIC = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}


def measured(only: Sequence[str] | None = None) -> list[Result]:
    """A result for each case, or for those named; one that cannot be asked says why."""
    with override_settings(STORAGES=settings.STORAGES | PLAIN_STATIC):
        return [_result(case) for case in CASES if not only or case.name in only]


def _result(case: Case) -> Result:
    try:
        found = case.measure()
    except (TemplateDoesNotExist, TemplateSyntaxError, UnexpectedAnswer) as error:
        return Result(case.name, case.title, case.target, error=f"{type(error).__name__}: {error}")
    times, figure = found if isinstance(found, tuple) else (found, None)
    return Result(
        case.name,
        case.title,
        case.target,
        times.queries,
        times.median_ms,
        times.p95_ms,
        **({case.extra: figure} if case.extra else {}),
    )
