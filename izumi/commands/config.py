"""`izumi config`: check the file, show what it means, print the reference."""

import inspect
import re
import types
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec
import tomli_w

from izumi import compose
from izumi import settings as settings_
from izumi.commands.options import ConfigFile
from izumi.settings import Settings

_INTRODUCTION = """\
# Configuration

One TOML file. It is looked for in `--config FILE`, `$IZUMI_CONFIG`, `./izumi.toml`,
`~/.config/izumi/izumi.toml` and `/etc/izumi/izumi.toml`; the first one counts. Relative
paths count from the file's own folder. An environment variable such as
`IZUMI__BUS__ACK_WAIT_S=5` stands for `[bus] ack_wait_s` and wins over the file.

`izumi config check` names the first mistake with its place, value and the way out;
`izumi config show` prints what is in force, secrets masked. A commented example is
`izumi.example.toml`. This page is written by `izumi config reference`.
"""


def check(*, config: ConfigFile = None) -> int:
    """Check the configuration; exit code 0 when it can be used.

    Args:
        config: See below.
    """
    path = settings_.find(config)
    settings = settings_.load(path)
    units = [".".join(filter(None, wanted)) for wanted in compose.configured(settings)]
    print(f"{path}: good; units: {', '.join(units) or 'none'}")
    return 0


def show(*, config: ConfigFile = None) -> int:
    """Print the configuration in force, defaults filled in and secrets masked.

    Args:
        config: See below.
    """
    settings = settings_.load(settings_.find(config))
    print(tomli_w.dumps(settings_.shown(settings)), end="")
    return 0


def reference() -> int:
    """Print the reference of every table and key, as Markdown."""
    print(_INTRODUCTION)
    for heading, struct in tables():
        print(f"## `{heading}`\n\n{_summary(struct)}\n")
        print("| key | type | default | meaning |\n|---|---|---|---|")
        meanings = _meanings(struct)
        for field in msgspec.structs.fields(struct):
            if _struct_of(field.type) is None:
                cells = (field.name, _type(field.type), _default(field), meanings[field.name])
                print("| " + " | ".join(_cell(cell) for cell in cells) + " |")
        print()
    return 0


def tables() -> Iterator[tuple[str, type[msgspec.Struct]]]:
    """Every table that the file may have, with its heading as TOML writes it."""
    yield "top of the file", Settings
    yield from _below("", Settings)


def _below(prefix: str, struct: type[msgspec.Struct]) -> Iterator[tuple[str, type[msgspec.Struct]]]:
    for field in msgspec.structs.fields(struct):
        inner = _struct_of(field.type)
        if inner is None:
            continue
        name = f"{prefix}{field.name}"
        if _is(field.type, dict):
            name += ".NAME"
        yield (f"[[{name}]]" if _is(field.type, tuple) else f"[{name}]"), inner
        yield from _below(f"{name}.", inner)


def _struct_of(kind: Any) -> type[msgspec.Struct] | None:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind
    return next(filter(None, map(_struct_of, get_args(kind))), None)


def _is(kind: Any, container: type) -> bool:
    return get_origin(kind) is container


def _summary(struct: type[msgspec.Struct]) -> str:
    text = inspect.cleandoc(struct.__doc__ or "").partition("\n\n")
    before_fields = text[2].partition("Attributes:")[0].strip()
    return "\n\n".join(filter(None, [text[0], before_fields]))


def _meanings(struct: type[msgspec.Struct]) -> dict[str, str]:
    """Name -> text, from the `Attributes:` of its docstring and of those that it extends."""
    meanings: dict[str, str] = {}
    for kind in reversed(struct.__mro__):
        _, _, listed = inspect.cleandoc(kind.__doc__ or "").partition("Attributes:\n")
        found = re.findall(r"^    (\w+): (.*(?:\n     .*)*)", listed, flags=re.MULTILINE)
        meanings |= {name: " ".join(text.split()) for name, text in found}
    return meanings


def _type(kind: Any) -> str:
    args = [arg for arg in get_args(kind) if arg is not type(None)]
    if get_origin(kind) is Literal:
        return " or ".join(f'"{arg}"' if isinstance(arg, str) else str(arg) for arg in args)
    if isinstance(kind, types.UnionType) or (args and get_origin(kind) is not tuple):
        return " or ".join(map(_type, args))
    if get_origin(kind) is tuple:
        return f"list of {_type(args[0])}"
    name: str = kind.__name__
    plain = {"str": "text", "int": "number", "float": "number", "bool": "true or false"}
    return plain.get(name, name.lower())


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "required"
    if field.default_factory is not msgspec.NODEFAULT:
        return "its own" if field.name == "host" else "empty"
    return "not set" if field.default is None else _toml(field.default)


def _toml(value: Any) -> str:
    return tomli_w.dumps({"x": value}).removeprefix("x = ").replace("\n", " ").strip()


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def undocumented() -> list[str]:
    """Keys whose meaning no docstring tells, as `table.key`."""
    return [
        f"{heading}.{field.name}"
        for heading, struct in tables()
        for field in msgspec.structs.fields(struct)
        if field.name not in _meanings(struct) and get_type_hints(struct)
    ]
