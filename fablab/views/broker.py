"""The questions of a broker of one's own (EMQX, VerneMQ), answered in its own words. No page: programs ask.

EMQX (HTTP authentication and authorisation) sends what its configuration says, and reads `{"result": "allow"}` or
`{"result": "deny"}`. VerneMQ (webhooks) names its question in a header, and reads `{"result": "ok"}` or an error; both
expect 200, and take anything else for no answer.
"""

import base64
import binascii
import hmac
import json
from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from fablab.lib import env
from iot.broker_questions import may, may_connect

PUBLISH_HOOKS = ("auth_on_publish", "auth_on_publish_m5")
SUBSCRIBE_HOOKS = ("auth_on_subscribe", "auth_on_subscribe_m5")
Body = dict[str, Any]


def _asked_by_a_broker(answer: Callable[[HttpRequest, Body], bool]) -> Callable[[HttpRequest], HttpResponse]:
    """404 without a key of ours, 403 with a wrong one; else the answer. What cannot be read is refused."""

    @csrf_exempt
    def view(request: HttpRequest) -> HttpResponse:
        key = env.text("FABLAB_MQTT_AUTH_KEY")
        if not key:
            raise Http404
        if not _knows(request, key):
            return HttpResponse(status=403)
        if request.method != "POST":
            return HttpResponse(status=405, headers={"Allow": "POST"})
        body = _body(request)
        return _said(request, is_allowed=body is not None and answer(request, body))

    return view


def _knows(request: HttpRequest, key: str) -> bool:
    """The key as `X-Fablab-Key`, as a bearer's token, or as the password of an address such as http://fablab:KEY@…"""
    kind, _, said = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "basic":
        try:
            said = base64.b64decode(said, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            said = ""
    told = request.headers.get("X-Fablab-Key", "") or said
    return hmac.compare_digest(told.encode(), key.encode())


def _body(request: HttpRequest) -> Body | None:
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _said(request: HttpRequest, *, is_allowed: bool) -> HttpResponse:
    if "Vernemq-Hook" in request.headers:
        answer: Body = {"result": "ok" if is_allowed else {"error": "not_allowed"}}
    else:
        answer = {"result": "allow" if is_allowed else "deny"}
    # VerneMQ keeps what it is told to keep: nothing.
    return JsonResponse(answer, headers={"Cache-Control": "no-store"})


def _text(body: Body, name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""


@_asked_by_a_broker
def auth(request: HttpRequest, body: Body) -> bool:
    """`username` and `password`: may this account come in?"""
    return may_connect(_text(body, "username"), _text(body, "password"))


@_asked_by_a_broker
def acl(request: HttpRequest, body: Body) -> bool:
    """`username`, `action` (publish or subscribe) and `topic`; VerneMQ asks for several at once: all or none."""
    username, hook = _text(body, "username"), request.headers.get("Vernemq-Hook", "")
    action = _text(body, "action")
    if hook in SUBSCRIBE_HOOKS:
        wanted = body.get("topics")
        if not isinstance(wanted, list) or not wanted or not all(isinstance(one, dict) for one in wanted):
            return False
        return all(may("subscribe", username, _text(one, "topic")) for one in wanted)
    if hook in PUBLISH_HOOKS or (action == "publish" and not hook):
        return may("publish", username, _text(body, "topic"))
    return action == "subscribe" and not hook and may("subscribe", username, _text(body, "topic"))
