"""`Idempotency-Key`: the same request sent again gets the same answer, for 24 h, and does nothing twice."""

import datetime as dt
import functools
import hashlib
import json
from collections.abc import Callable
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from fablab.lib.api import problem
from people.models import IdempotentRequest
from people.signed_in import signed_in

View = Callable[..., Response]
# Nobody answers any more: the process was killed in between.
ABANDONED_AFTER = dt.timedelta(minutes=2)


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
        fingerprint = _fingerprint(request)
        row = _claimed(request, key, fingerprint)
        if row is None:
            return _replayed(request, key, fingerprint)
        is_answered = False
        try:
            response = view(self, request, *args, **kwargs)
            is_answered = response.status_code < 500
        finally:
            # An error, ours or one that goes on upwards, leaves the key free for the next try.
            if not is_answered:
                row.delete()
        if not is_answered:
            return response
        response.add_post_render_callback(lambda done: _keep(row, done))
        return response

    return wrapper


def _fingerprint(request: Request) -> str:
    """Of what was sent, not of its bytes: a form has another boundary each time it is sent."""
    digest = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    data = request.data
    if not hasattr(data, "lists"):
        digest.update(json.dumps(data, sort_keys=True).encode())
        return digest.hexdigest()
    for name, values in sorted(data.lists()):
        for value in values:
            digest.update(f"{name}\n".encode())
            _add(digest, value)
    return digest.hexdigest()


def _add(digest: Any, value: Any) -> None:
    if not isinstance(value, UploadedFile):
        digest.update(f"{len(value)}\n{value}\n".encode())
        return
    digest.update(f"{value.name}\n{value.size}\n".encode())
    for chunk in value.chunks():
        digest.update(chunk)
    value.seek(0)


def _claimed(request: Request, key: str, fingerprint: str) -> IdempotentRequest | None:
    """The row that makes this request the one that is carried out; None when another one was first."""
    now = timezone.now()
    try:
        with transaction.atomic():
            return IdempotentRequest.objects.create(
                person=signed_in(request), key=key, fingerprint=fingerprint, created_at=now
            )
    except IntegrityError:
        rows = IdempotentRequest.objects.filter(person=signed_in(request), key=key)
        abandoned = rows.filter(status_code=None, created_at__lt=now - ABANDONED_AFTER)
        return rows.first() if abandoned.update(created_at=now, fingerprint=fingerprint) else None


def _keep(row: IdempotentRequest, response: HttpResponse) -> None:
    row.status_code, row.body = response.status_code, response.content
    row.save(update_fields=["status_code", "body"])


def _replayed(request: Request, key: str, fingerprint: str) -> HttpResponse:
    row = IdempotentRequest.objects.filter(person=signed_in(request), key=key).first()
    if row is not None and row.fingerprint != fingerprint:
        detail = _("This Idempotency-Key was used for another request. Take a new one.")
        return problem("key_reused", detail, status=422)
    if row is None or row.status_code is None:
        detail = _("The same request is being answered. Ask again in a moment.")
        return problem("request_in_progress", detail, status=409)
    answer = HttpResponse(bytes(row.body), status=row.status_code, content_type="application/json")
    answer.headers["Idempotent-Replayed"] = "true"
    return answer
