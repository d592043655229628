"""`python -m izumi.commands.schemas`: subjects and message schemas, as Markdown."""

import inspect
import json
from typing import Any

import msgspec

from izumi.domain import events, subjects

_INTRODUCTION = """\
# Subjects and messages

Automation needs nothing but these: `nats sub 'izumi.file.>'` hears every fact. Messages are
JSON; `type` carries the name and the version. Optional fields may be added to a version; a
change that an older reader would take wrongly is a new version. This page is written by
`python -m izumi.commands.schemas`.

## Subjects

Tokens are letters, digits, `-` and `_`; every other UTF-8 byte is `=XX`, the empty text `=`.
`<id>` is the beginning of the SHA-256 of a file's own SHA-256, a zero byte and its key, so that
the same thing announced twice is one thing.
"""


def main() -> int:
    """Print the page."""
    print(_INTRODUCTION)
    diagram = (subjects.__doc__ or "").partition("\n\n")[2].rstrip()
    print(f"```text\n{inspect.cleandoc(diagram)}\n```\n")
    for message in events.MESSAGES:
        schema = msgspec.json.schema(message, ref_template="#/$defs/{name}")
        title = message.__struct_config__.tag
        print(f"## `{title}`\n\n{_summary(message)}\n\n```json\n{_text(schema)}\n```\n")
    return 0


def _summary(message: type[events.Message]) -> str:
    return inspect.cleandoc(message.__doc__ or "").replace("Attributes:", "Fields:\n", 1)


def _text(schema: dict[str, Any]) -> str:
    # What the fields mean stands above.
    for definition in schema["$defs"].values():
        definition.pop("description", None)
    return json.dumps(schema, indent=2, ensure_ascii=False)


if __name__ == "__main__":
    raise SystemExit(main())
