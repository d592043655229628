"""JSON Schema, as much of it as OpenAPI documents of chat services use."""

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}
_KNOWN = {
    "$ref", "type", "properties", "required", "additionalProperties", "items", "enum", "const",
    "oneOf", "anyOf", "allOf", "maxLength", "minLength", "maxItems", "minItems", "uniqueItems",
    "minimum", "maximum", "format", "pattern",
}  # fmt: skip
_ANNOTATIONS = {"description", "title", "deprecated", "default", "readOnly", "nullable"}


def problems(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any]) -> list[str]:
    """What is wrong with `value`; keys that the schema does not name are wrong as well.

    Raises:
        NotImplementedError: The schema says something that this reader does not know.
    """
    return list(_problems(value, schema, root, "$"))


def _problems(value: Any, schema: Any, root: Mapping[str, Any], at: str) -> Iterator[str]:
    if "$ref" in schema:
        yield from _problems(value, _resolved(schema["$ref"], root), root, at)
        return
    unknown = {key for key in schema if not key.startswith("x-")} - _KNOWN - _ANNOTATIONS
    if unknown:
        raise NotImplementedError(f"{at}: {unknown}")
    yield from _combination_problems(value, schema, root, at)
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(_is(value, kind) for kind in kinds):
        yield f"{at}: {type(value).__name__} is not {kinds}"
        return
    allowed = schema.get("enum", [schema["const"]] if "const" in schema else [value])
    if value not in allowed:
        yield f"{at}: {value!r} is not one of {allowed}"
    if isinstance(value, dict):
        yield from _object_problems(value, schema, root, at)
    elif isinstance(value, list):
        yield from _array_problems(value, schema, root, at)
    else:
        yield from _scalar_problems(value, schema, at)


def _combination_problems(
    value: Any, schema: Mapping[str, Any], root: Mapping[str, Any], at: str
) -> Iterator[str]:
    for part in schema.get("allOf", ()):
        yield from _problems(value, part, root, at)
    for key in ("oneOf", "anyOf"):
        tried = [list(_problems(value, part, root, at)) for part in schema.get(key, ())]
        if tried and all(tried):
            yield f"{at}: none of {key}: {tried}"


def _object_problems(
    value: dict[str, Any], schema: Mapping[str, Any], root: Mapping[str, Any], at: str
) -> Iterator[str]:
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{at}: no {name}"
    fields = schema.get("properties", {})
    for name, inner in value.items():
        if name in fields:
            yield from _problems(inner, fields[name], root, f"{at}.{name}")
        elif fields:
            yield f"{at}: unknown key {name}"


def _array_problems(
    value: list[Any], schema: Mapping[str, Any], root: Mapping[str, Any], at: str
) -> Iterator[str]:
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
        yield f"{at}: {len(value)} entries"
    if schema.get("uniqueItems") and any(value.count(one) > 1 for one in value):
        yield f"{at}: twice the same"
    for number, inner in enumerate(value):
        yield from _problems(inner, schema.get("items", {}), root, f"{at}[{number}]")


def _scalar_problems(value: Any, schema: Mapping[str, Any], at: str) -> Iterator[str]:
    if isinstance(value, str):
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
            yield f"{at}: {len(value)} characters"
        if "pattern" in schema and not re.search(schema["pattern"], value):
            yield f"{at}: {value!r} is not like {schema['pattern']}"
        if not _has_format(value, schema.get("format", "")):
            yield f"{at}: {value!r} is no {schema['format']}"
    elif isinstance(value, int | float) and not (
        schema.get("minimum", value) <= value <= schema.get("maximum", value)
    ):
        yield f"{at}: {value} is out of range"


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _TYPES[kind])


def _has_format(value: str, name: str) -> bool:
    if name == "date-time":
        return dt.datetime.fromisoformat(value).tzinfo is not None
    if name == "uri":
        parts = urlsplit(value)
        return bool(parts.scheme and parts.netloc) and value.isascii() and " " not in value
    return True


def _resolved(reference: str, root: Mapping[str, Any]) -> Any:
    here: Any = root
    for step in reference.removeprefix("#/").split("/"):
        here = here[step]
    return here
