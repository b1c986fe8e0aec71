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
    # WhiteNoise says that the folder is missing before anything was gathered into it.
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
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
        times.best_ms,
        times.median_ms,
        times.p95_ms,
        database_ms=figure if case.extra == "database_ms" else None,
        a_second=figure if case.extra == "a_second" else None,
    )
