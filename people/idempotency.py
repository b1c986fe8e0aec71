"""`Idempotency-Key`: the same request sent again gets the same answer, for 24 h, and does nothing twice."""

import functools
import hashlib
from collections.abc import Callable
from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from people.models import IdempotentRequest

View = Callable[..., Response]


def idempotent(view: View) -> Callable[..., HttpResponse]:
    """For a POST method of an API view. Without the header it changes nothing.

    409 `request_in_progress` while the first one runs; 422 `key_reused` when the key came with another body.
    An answer of 500 and above is not kept: the next try is a new one.
    """

    @functools.wraps(view)
    def wrapper(self: Any, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        key = request.headers.get("Idempotency-Key", "")[:200]
        if not key or not request.user.is_authenticated:
            return view(self, request, *args, **kwargs)
        fingerprint = hashlib.sha256(
            f"{request.method} {request.get_full_path()}\n".encode() + request._request.body
        ).hexdigest()
        try:
            with transaction.atomic():
                row = IdempotentRequest.objects.create(
                    person=request.user, key=key, fingerprint=fingerprint, created_at=timezone.now()
                )
        except IntegrityError:
            return _replayed(request, key, fingerprint)
        try:
            response = view(self, request, *args, **kwargs)
        except BaseException:
            row.delete()
            raise
        if response.status_code >= 500:
            row.delete()
            return response
        response.add_post_render_callback(lambda done: _keep(row, done))
        return response

    return wrapper


def _keep(row: IdempotentRequest, response: HttpResponse) -> None:
    row.status_code, row.body = response.status_code, response.content
    row.save(update_fields=["status_code", "body"])


def _replayed(request: Request, key: str, fingerprint: str) -> HttpResponse:
    row = IdempotentRequest.objects.filter(person=request.user, key=key).first()
    if row is None or row.status_code is None:
        detail = _("The same request is being answered. Ask again in a moment.")
        return Response({"code": "request_in_progress", "detail": detail}, status=409)
    if row.fingerprint != fingerprint:
        detail = _("This Idempotency-Key was used for another request. Take a new one.")
        return Response({"code": "key_reused", "detail": detail}, status=422)
    answer = HttpResponse(bytes(row.body), status=row.status_code, content_type="application/json")
    answer.headers["Idempotent-Replayed"] = "true"
    return answer
