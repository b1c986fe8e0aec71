"""What devices and the lab say to each other, published for programs: made from the types that read the messages."""

import json
from functools import lru_cache

import yaml
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from iot.protocol_examples import MESSAGES
from iot.protocol_schema import async_api, json_schema, summary


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Both documents, and each message with its topic."""
    rows = [{"topic": message.topic, "words": summary(message), "note": message.note} for message in MESSAGES]
    return render(request, "fablab/mqtt_docs.html", {"messages_of_devices": rows})


@require_safe
def asyncapi(request: HttpRequest) -> HttpResponse:
    return HttpResponse(_asyncapi(), content_type="application/yaml; charset=utf-8")


@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    return HttpResponse(_schema(), content_type="application/schema+json; charset=utf-8")


@lru_cache(maxsize=1)
def _asyncapi() -> str:
    return yaml.safe_dump(async_api(), sort_keys=False, allow_unicode=True, width=110)


@lru_cache(maxsize=1)
def _schema() -> str:
    return json.dumps(json_schema(), indent=2, ensure_ascii=False)
