"""Write the types of the service's answers for the scripts of the apps: part of ``make docs``.

The scripts name a type as ``Service.OwnPageOut``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from api.app import create_app
from api.web.pages import SHARED

FILE = SHARED.parent / "service.d.ts"
_PATHS = ("/v1/me", "/v1/knock", "/v1/tablet/", "/v1/door", "/v1/sessions", "/v1/certificates")
"""Beginnings of the paths that the apps ask."""

_HEAD = "// Written by `make docs` from the interface of the service.\n"
_NAMES = {"integer": "number", "number": "number", "string": "string", "boolean": "boolean", "null": "null"}


def _declarations(document: dict[str, Any]) -> str:
    """Return the types of the answers under ``_PATHS``, from the OpenAPI document."""
    schemas = document["components"]["schemas"]
    answers = [
        answer
        for path, operations in document["paths"].items()
        if path.startswith(_PATHS)
        for operation in operations.values()
        for status, answer in operation["responses"].items()
        if status.startswith("2")
    ]
    wanted: set[str] = set()
    waiting = list(_references(answers))
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            waiting.extend(_references(schemas[name]))
    blocks = []
    for name in sorted(wanted):
        if "enum" in schemas[name]:
            blocks.append(f"  type {name} = {_type(schemas[name])};\n")
            continue
        fields = schemas[name]["properties"].items()
        required = schemas[name].get("required", [])
        lines = [f"    {field}{'' if field in required else '?'}: {_type(schema)};\n" for field, schema in fields]
        blocks.append(f"  interface {name} {{\n{''.join(lines)}  }}\n")
    return f"{_HEAD}declare namespace Service {{\n{''.join(blocks)}}}\n"


def _references(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"].rpartition("/")[2]
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from _references(each)


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " | ".join(_type(each) for each in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return " | ".join(json.dumps(value) for value in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        each = _type(schema["items"])
        return f"({each})[]" if " " in each else f"{each}[]"
    if schema.get("type") == "object":
        values = schema.get("additionalProperties")
        return f"Record<string, {_type(values) if isinstance(values, dict) else 'any'}>"
    return _NAMES[schema["type"]]


def service_types() -> str:
    """Return what ``FILE`` must hold."""
    return _declarations(create_app().openapi())
