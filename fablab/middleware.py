"""Around every page: its language, its live parts, and the first questions of a lab that has no answers yet."""

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.middleware import get_user
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import translation
from django.utils.cache import patch_vary_headers

from people.lab import due_stamp_ns, is_new

View = Callable[[HttpRequest], HttpResponse]

# What works before the first question has been answered: the questions, what they need, and what programs ask.
OPEN_TO_A_NEW_LAB = (
    "/first-run/", "/static/", "/language/", "/accounts/", "/address/", "/help/", "/api/", "/healthz", "/readyz",
    "/metrics",
)  # fmt: skip


def language_of_person(get_response: View) -> View:
    """What the person chose (cookie), else what their browser prefers."""
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
    """A live part has its page's address: without this, the back button shows the part alone.

    And no page is put into another one: where a part leads to the sign-in, the whole page is asked for anew.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.headers.get("HX-Request") and _leads_to_sign_in(response):
            response = HttpResponse(status=401, headers={"HX-Refresh": "true"})
        patch_vary_headers(response, ["HX-Request"])
        if request.headers.get("HX-Request"):
            response.headers["Cache-Control"] = "no-store"
        return response

    return middleware


def _leads_to_sign_in(response: HttpResponse) -> bool:
    ways = tuple(reverse(name) for name in (settings.LOGIN_URL, "second-factor", "account_change_password"))
    return response.headers.get("Location", "").startswith(ways)


def signed_in_pages_are_not_kept(get_response: View) -> View:
    """On a computer that many share, the back button shows nobody's page after they have signed out."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.session.accessed and request.user.is_authenticated:
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    return middleware


def first_things_first(get_response: View) -> View:
    """In a lab that has no place yet, every page for people leads to the first question."""

    def middleware(request: HttpRequest) -> HttpResponse:
        # Asked in this order: most answers of a lab that is set up cost nothing but a look at a file's date.
        if request.path.startswith(OPEN_TO_A_NEW_LAB) or settings.IS_DEMO:
            return get_response(request)
        if due_stamp_ns() is not None:
            # Every page asks who is signed in; asked first, the lab's row comes along.
            get_user(request)
        if not is_new():
            return get_response(request)
        return HttpResponseRedirect(reverse("first-run"))

    return middleware
