"""Log lines: one event name and facts each, JSON for machines, columns for a terminal.

Names come from strangers: control and bidirectional characters are escaped. Secrets
are masked by value and by the shape of a webhook address, wherever they appear.
"""

import logging
import re
import sys
import unicodedata
from collections.abc import Iterable, MutableMapping
from typing import Any, Literal, TextIO

import msgspec
import structlog

Format = Literal["auto", "console", "json"]

_WEBHOOK = re.compile(r"(/webhooks/)[^\s'\"]+")
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def printable(text: str) -> str:
    """The text, with control, format and surrogate characters as their escapes."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char if unicodedata.category(char) not in _UNSAFE else ascii(char)[1:-1] for char in text
    )


class Mask:
    """A processor that removes secrets and unprintable characters from every value."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # Longest first, so that a secret that contains another is masked whole.
        self._secrets = sorted({s for s in secrets if len(s) >= 4}, key=len, reverse=True)

    def __call__(
        self, _logger: Any, _method: str, event_dict: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """Clean every value; a traceback of our own keeps its lines."""
        trace = event_dict.pop("exception", None)
        cleaned = {key: self.clean(value) for key, value in event_dict.items()}
        if trace is not None:
            cleaned["exception"] = "\n".join(map(self.clean, str(trace).splitlines()))
        return cleaned

    def clean(self, value: Any) -> Any:
        """The value, texts inside it cleaned; what is no JSON value becomes its text."""
        match value:
            case None | bool() | int() | float():
                return value
            case dict():
                return {str(key): self.clean(item) for key, item in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self.clean(item) for item in value]
        text = str(value)
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return printable(_WEBHOOK.sub(r"\1***", text))


def _json(_logger: Any, _method: str, event_dict: MutableMapping[str, Any]) -> str:
    return msgspec.json.encode(event_dict).decode()


def configure(
    level: str = "info",
    format_: Format = "auto",
    secrets: Iterable[str] = (),
    stream: TextIO | None = None,
) -> None:
    """Set structlog up for the process, and send the libraries' warnings through it.

    Args:
        level: Lowest level that is written.
        format_: "auto" is columns on a terminal and JSON elsewhere.
        secrets: Values that must never be written.
        stream: Where to; stderr when None.
    """
    out = stream or sys.stderr
    console = format_ == "console" or (format_ == "auto" and out.isatty())
    mask = Mask(secrets)
    render: Any = structlog.dev.ConsoleRenderer(colors=out.isatty()) if console else _json
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=not console),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        mask,
    ]
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    library = logging.StreamHandler(out)
    library.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    logging.basicConfig(handlers=[library], level=logging.WARNING, force=True)
