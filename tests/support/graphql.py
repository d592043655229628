"""GraphQL, as much of it as a client's few queries need: read, check, carry out."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_TOKEN = re.compile(r'"""[\s\S]*?"""|"(?:\\.|[^"\\])*"|#[^\n]*|[$!:(){}\[\]=@|&]|\.\.\.|[\w.-]+')


@dataclass
class Selection:
    """One field that is asked for."""

    name: str
    alias: str
    arguments: dict[str, Any] = field(default_factory=dict)
    inner: "list[Selection]" = field(default_factory=list)


@dataclass(frozen=True)
class Variable:
    """`$name` in a query."""

    name: str


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens = [one for one in _TOKEN.findall(text) if one[0] != "#"]
        self._at = 0

    @property
    def next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def take(self, wanted: str | None = None) -> str:
        word = self.next
        if not word or (wanted is not None and word != wanted):
            raise ValueError(f"{wanted!r} expected, {word!r} found")
        self._at += 1
        return word

    def has(self, word: str) -> bool:
        if self.next != word:
            return False
        self._at += 1
        return True


def read_query(text: str) -> tuple[dict[str, str], list[Selection]]:
    """Variables with their types, and what is asked for.

    Raises:
        ValueError: It is no query that this reader knows.
    """
    reader = _Reader(text)
    reader.take("query")
    variables = {}
    if reader.has("("):
        while not reader.has(")"):
            reader.take("$")
            name = reader.take()
            reader.take(":")
            variables[name] = _type_text(reader)
    selections = _selections(reader)
    if reader.next:
        raise ValueError(f"{reader.next!r} after the end")
    return variables, selections


def _selections(reader: _Reader) -> list[Selection]:
    reader.take("{")
    found = []
    while not reader.has("}"):
        name = alias = reader.take()
        if reader.has(":"):
            name = reader.take()
        one = Selection(name, alias)
        if reader.has("("):
            while not reader.has(")"):
                argument = reader.take()
                reader.take(":")
                one.arguments[argument] = _value(reader)
        if reader.next == "{":
            one.inner = _selections(reader)
        found.append(one)
    return found


def _value(reader: _Reader) -> Any:
    if reader.has("$"):
        return Variable(reader.take())
    if reader.has("["):
        values = []
        while not reader.has("]"):
            values.append(_value(reader))
        return values
    word = reader.take()
    if word in {"true", "false"}:
        return word == "true"
    if word[0] == '"':
        return word[1:-1]
    return int(word) if re.fullmatch(r"-?\d+", word) else word


def _type_text(reader: _Reader) -> str:
    """`[String!]!` and the like, as it is written."""
    text = f"[{_type_text(reader)}{reader.take(']')}" if reader.has("[") else reader.take()
    return text + ("!" if reader.has("!") else "")


@dataclass(frozen=True)
class Field:
    """A field of a type: what it is, and its arguments with their types."""

    kind: str
    arguments: Mapping[str, str]


Schema = Mapping[str, Mapping[str, Field]]
"""Type -> field -> what it is. Enumerations have their values as fields."""


def read_schema(text: str) -> Schema:
    """A schema document."""
    reader = _Reader(text)
    types: dict[str, dict[str, Field]] = {}
    while reader.next:
        keyword = reader.take()
        if keyword in {"type", "enum", "input", "interface"}:
            name = reader.take()
            while reader.next != "{":
                reader.take()
            types[name] = dict(_fields(reader, keyword))
    return types


def _fields(reader: _Reader, keyword: str) -> Iterator[tuple[str, Field]]:
    reader.take("{")
    while not reader.has("}"):
        if reader.next.startswith('"'):
            reader.take()
            continue
        name = reader.take()
        arguments: dict[str, str] = {}
        if reader.has("@"):
            _skip_directive(reader)
            continue
        if keyword == "enum":
            yield name, Field("", {})
            continue
        if reader.has("("):
            arguments = dict(_arguments(reader))
        reader.take(":")
        kind = _type_text(reader)
        if reader.has("="):
            _value(reader)
        while reader.has("@"):
            _skip_directive(reader)
        yield name, Field(kind, arguments)


def _arguments(reader: _Reader) -> Iterator[tuple[str, str]]:
    while not reader.has(")"):
        if reader.next.startswith('"'):
            reader.take()
            continue
        name = reader.take()
        reader.take(":")
        yield name, _type_text(reader)
        if reader.has("="):
            _value(reader)


def _skip_directive(reader: _Reader) -> None:
    reader.take()
    if reader.has("("):
        while not reader.has(")"):
            reader.take()


def query_problems(query: str, schema: Schema) -> list[str]:
    """What a server with this schema would refuse."""
    variables, selections = read_query(query)
    return list(_problems(selections, "Query", schema, variables))


def _problems(
    selections: list[Selection], kind: str, schema: Schema, variables: Mapping[str, str]
) -> Iterator[str]:
    for one in selections:
        known = schema[kind].get(one.name)
        if known is None:
            yield f'Cannot query field "{one.name}" on type "{kind}".'
            continue
        for name, value in one.arguments.items():
            yield from _argument_problems(
                f"{kind}.{one.name}({name})", value, known.arguments.get(name), schema, variables
            )
        inner = known.kind.strip("[]!")
        if inner in schema and schema[inner] and next(iter(schema[inner].values())).kind:
            if not one.inner:
                yield f"{kind}.{one.name} needs a selection"
            yield from _problems(one.inner, inner, schema, variables)
        elif one.inner:
            yield f"{kind}.{one.name} has no fields"


def _argument_problems(
    at: str, value: Any, wanted: str | None, schema: Schema, variables: Mapping[str, str]
) -> Iterator[str]:
    if wanted is None:
        yield f"{at} is unknown"
        return
    if isinstance(value, Variable):
        given = variables.get(value.name, "")
        if given.rstrip("!") != wanted.rstrip("!"):
            yield f"{at} is {wanted}, ${value.name} is {given or 'not declared'}"
        return
    inner = wanted.strip("[]!")
    for single in value if isinstance(value, list) else [value]:
        right = {
            "Int": isinstance(single, int),
            "String": isinstance(single, str),
            "Boolean": isinstance(single, bool),
        }.get(inner, single in schema.get(inner, {}))
        if not right:
            yield f"{at} is {wanted}, not {single!r}"


def carry_out(query: str, variables: Mapping[str, Any], root: Mapping[str, Any]) -> dict[str, Any]:
    """The data that is asked for; values of `root` may be functions of the arguments."""
    _, selections = read_query(query)
    return {one.alias: _carried_out(one, root, variables) for one in selections}


def _carried_out(one: Selection, parent: Mapping[str, Any], variables: Mapping[str, Any]) -> Any:
    value = parent.get(one.name)
    if callable(value):
        value = value(
            **{
                name: variables.get(given.name) if isinstance(given, Variable) else given
                for name, given in one.arguments.items()
            }
        )
    return _projected(value, one, variables)


def _projected(value: Any, one: Selection, variables: Mapping[str, Any]) -> Any:
    if isinstance(value, list | tuple):
        return [_projected(inner, one, variables) for inner in value]
    if not one.inner or value is None:
        return value
    return {inner.alias: _carried_out(inner, value, variables) for inner in one.inner}
