"""The language of a page: what the person chose (cookie), else what their browser prefers."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers

View = Callable[[HttpRequest], HttpResponse]


def language_of_person(get_response: View) -> View:
    known = dict(settings.LANGUAGES)

    def middleware(request: HttpRequest) -> HttpResponse:
        chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
        language = chosen if chosen in known else translation.get_language_from_request(request)
        with translation.override(language):
            request.LANGUAGE_CODE = language
            response = get_response(request)
            response.headers.setdefault("Content-Language", language)
            response.headers["Vary"] = ", ".join(
                dict.fromkeys(
                    [*filter(None, response.headers.get("Vary", "").split(", ")), "Accept-Language", "Cookie"]
                )
            )
            return response

    return middleware


def fragments_are_not_pages(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """A live part has its page's address: without this, the back button shows the part alone."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        patch_vary_headers(response, ["HX-Request"])
        if request.headers.get("HX-Request"):
            response.headers["Cache-Control"] = "no-store"
        return response

    return middleware
