"""The subjects of the bus: built and parsed here and nowhere else.

izumi.file.acquired.<sub>.<priority>.<id>      izumi.file.encoded.<sub>.<priority>.<id>
izumi.file.distributed.<group>.<destination>.<id>
izumi.file.notified.<group>.<id>               izumi.file.held.<unit>.<hold>
izumi.file.answered.<unit>.<hold>              izumi.rule.<id>
izumi.told.<group>.<show>                      izumi.letter.<number>
izumi.library.<verb>.<operation>
izumi.do.<unit>.<group>.<priority>.<id>        izumi.job.<unit>.<group>.<job>
izumi.progress.<unit>.<group>.<job>            izumi.node.<unit>.<instance>
izumi.ctl.<unit>.<instance|all>
"""

import hashlib
import re
from typing import Final, Literal, get_args

Priority = Literal["high", "normal", "low"]
Sub = Literal["softsub", "hardsub", "none"]

PRIORITIES: Final[tuple[Priority, ...]] = get_args(Priority)
SUBS: Final[tuple[Sub, ...]] = get_args(Sub)

_LONGEST_NAME: Final = 255
_SHOWN: Final = 200

_PLAIN = re.compile(rb"[A-Za-z0-9_-]")
_WHOLLY_PLAIN = re.compile(r"[A-Za-z0-9_-]+")


def token(text: str) -> str:
    """Any text as one legal subject token; `untoken` gives it back.

    Letters, digits, `-` and `_` stay; every other UTF-8 byte becomes `=XX`.
    The empty text is `=`. Lone surrogates survive, as in file names.
    """
    if _WHOLLY_PLAIN.fullmatch(text):
        return text
    raw = text.encode("utf-8", "surrogatepass")
    return (
        "".join(chr(byte) if _PLAIN.match(bytes([byte])) else f"={byte:02X}" for byte in raw) or "="
    )


def untoken(text: str) -> str:
    """The text that `token` wrote.

    Raises:
        ValueError: The token was not written by `token`.
    """
    if text == "=":
        return ""
    try:
        raw = re.sub(rb"=([0-9A-F]{2})", lambda m: bytes([int(m[1], 16)]), text.encode("ascii"))
        plain = raw.decode("utf-8", "surrogatepass")
    except UnicodeError as exc:
        msg = f"not a token: {text!r}"
        raise ValueError(msg) from exc
    if token(plain) != text:
        msg = f"not a token: {text!r}"
        raise ValueError(msg)
    return plain


def file_id(sha256: str, key: str) -> str:
    """The identity of a file: what it holds and where it lies. 32 hex digits."""
    return hashlib.sha256(f"{sha256}\0{key}".encode()).hexdigest()[:32]


def acquired(sub: str, priority: str, file: str) -> str:
    """Subject of `file.acquired`."""
    return f"izumi.file.acquired.{token(sub)}.{token(priority)}.{token(file)}"


def encoded(sub: str, priority: str, file: str) -> str:
    """Subject of `file.encoded`."""
    return f"izumi.file.encoded.{token(sub)}.{token(priority)}.{token(file)}"


def distributed(group: str, destination: str, file: str) -> str:
    """Subject of `file.distributed`."""
    return f"izumi.file.distributed.{token(group)}.{token(destination)}.{token(file)}"


def notified(group: str, job: str) -> str:
    """Subject of `file.notified`: one for each piece of news."""
    return f"izumi.file.notified.{token(group)}.{token(job)}"


def held(unit: str, hold: str) -> str:
    """Subject of `file.held`."""
    return f"izumi.file.held.{token(unit)}.{token(hold)}"


def answered(unit: str, hold: str) -> str:
    """Subject of `file.answered`: the last one, if it came after the hold, closes it."""
    return f"izumi.file.answered.{token(unit)}.{token(hold)}"


def answers(unit: str) -> str:
    """Pattern of the answers to every hold of a unit."""
    return f"izumi.file.answered.{token(unit)}.*"


def rule(rule_id: str) -> str:
    """Subject of one rule: the last message is the rule, or that it was removed."""
    return f"izumi.rule.{token(rule_id)}"


RULES: Final = "izumi.rule.*"
"""Pattern of every rule."""


def order(unit: str, group: str, priority: str, job: str) -> str:
    """Subject of a message addressed to one group."""
    return f"izumi.do.{token(unit)}.{token(group)}.{token(priority)}.{token(job)}"


def job(unit: str, group: str, job_id: str) -> str:
    """Subject of the job log of one job."""
    return f"izumi.job.{token(unit)}.{token(group)}.{token(job_id)}"


def told(group: str, show: str) -> str:
    """Subject of what a notifier group told of a show."""
    return f"izumi.told.{token(group)}.{hashlib.sha256(show.encode()).hexdigest()[:32]}"


def letter(number: int) -> str:
    """Subject of what a person said of a dead letter."""
    return f"izumi.letter.{number}"


def library(verb: str, operation: str) -> str:
    """Subject of what one operation of `izumi-admin` did to the library."""
    return f"izumi.library.{token(verb)}.{token(operation)}"


LIBRARY: Final = "izumi.library.>"
"""Pattern of every change of the library."""


def progress(unit: str, group: str, job_id: str) -> str:
    """Subject of the progress of one job; several groups have jobs of one name."""
    return f"izumi.progress.{token(unit)}.{token(group)}.{token(job_id)}"


def node(unit: str, instance: str) -> str:
    """Subject of the presence of one instance."""
    return f"izumi.node.{token(unit)}.{token(instance)}"


def control(unit: str, instance: str = "all") -> str:
    """Subject of commands to one instance, or to all of a unit."""
    return f"izumi.ctl.{token(unit)}.{token(instance)}"


def controls(unit: str) -> str:
    """Pattern of the commands to every instance of a unit."""
    return f"izumi.ctl.{token(unit)}.*"


def job_id(subject: str) -> str:
    """The identity of the work that a message on `subject` orders.

    The priority is left out: the same file announced at another priority is the same
    work. Parts are joined with `-`; the last one is the file's or the order's id.

    Raises:
        ValueError: No work is ordered on such a subject; whoever may order can write there.
    """
    match subject.split("."):
        case ["izumi", "file", ("acquired" | "encoded") as fact, _sub, _priority, file]:
            return f"{fact}-{file}"
        case ["izumi", "file", ("distributed" | "notified" | "held" | "answered") as fact, *rest]:
            return "-".join([fact, *rest])
        case ["izumi", "do", _unit, _group, _priority, name] if _is_name(name):
            return f"do-{name}"
    msg = (
        f"no work is ordered on {subject[:_SHOWN]!a}; it is "
        "izumi.do.<unit>.<group>.<priority>.<name>, and a name has letters, digits, - and _, "
        f"{_LONGEST_NAME} at most"
    )
    raise ValueError(msg)


def _is_name(text: str) -> bool:
    """Whether `token` wrote it, and a log can be called after it."""
    try:
        untoken(text)
    except ValueError:
        return False
    return len(text) <= _LONGEST_NAME


def priority(subject: str) -> Priority:
    """The priority of the work that a message on `subject` orders."""
    said = subject.split(".")[-2]
    return next((known for known in PRIORITIES if known == said), "normal")
