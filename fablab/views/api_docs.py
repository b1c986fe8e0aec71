"""The API's documentation as a plain page, made from the OpenAPI schema: readable by keyboard, reader and print.

The usual viewers break a strict content security policy and are not accessible.
"""

from functools import lru_cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from fablab.api.schema import LabSchemaGenerator
from people.lab import current_lab

METHODS = ("get", "post", "patch", "put", "delete")


def api_docs(request: HttpRequest) -> HttpResponse:
    return render(request, "fablab/api_docs.html", {"groups": _groups(tuple(current_lab().modules_off))})


@lru_cache(maxsize=1)
def _groups(modules_off: tuple[str, ...]) -> list[dict[str, Any]]:
    """Operations by the first word of their path, kept until other modules are off."""
    schema = LabSchemaGenerator().get_schema(request=None, public=True)
    parts = schema.get("components", {}).get("schemas", {})
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in schema["paths"].items():
        name = path.removeprefix("/api/v1/").split("/")[0]
        for method in METHODS:
            if method in methods:
                groups.setdefault(name, []).append(_operation(path, method, methods[method], parts))
    return [{"name": name, "operations": operations} for name, operations in sorted(groups.items())]


def _operation(path: str, method: str, operation: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = next(iter(operation.get("requestBody", {}).get("content", {}).values()), {})
    answers = []
    for status, answer in operation.get("responses", {}).items():
        content: dict[str, Any] = next(iter(answer.get("content", {}).values()), {})
        answers.append({"status": status, "fields": _fields(content.get("schema", {}), parts)})
    return {
        "id": operation["operationId"],
        "method": method.upper(),
        "path": path,
        "words": operation.get("description", ""),
        "parameters": operation.get("parameters", []),
        "body": _fields(body.get("schema", {}), parts),
        "answers": answers,
    }


def _fields(schema: dict[str, Any], parts: dict[str, Any], depth: int = 0) -> list[dict[str, str]]:
    """Name and type of each field, references followed two levels down."""
    if "$ref" in schema:
        return _fields(parts.get(schema["$ref"].rsplit("/", 1)[-1], {}), parts, depth)
    if schema.get("type") == "array":
        return _fields(schema.get("items", {}), parts, depth)
    required = set(schema.get("required", []))
    return [
        {
            "name": name,
            "type": _type(field),
            "note": field.get("description", ""),
            "is_required": "yes" if name in required else "",
        }
        for name, field in schema.get("properties", {}).items()
    ]


def _type(field: dict[str, Any]) -> str:
    if "$ref" in field:
        return field["$ref"].rsplit("/", 1)[-1]
    kind = field.get("type", "")
    words = "|".join(kind) if isinstance(kind, list) else str(kind)
    return f"{words} ({field['format']})" if "format" in field else words
