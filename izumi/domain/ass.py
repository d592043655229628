"""ASS scripts, read for what is shown, when, and in which face.

Rendering is libass's work; this reads only what decides about fonts, tracks and proofs.
"""

import bisect
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from izumi.domain.probe import FontUse

EVENT_FIELDS = (
    "Layer",
    "Start",
    "End",
    "Style",
    "Name",
    "MarginL",
    "MarginR",
    "MarginV",
    "Effect",
    "Text",
)

SECTION = re.compile(r"\s*\[([^\]\n]+)\]\s*")
_BLOCK = re.compile(r"\{([^}]*)\}|\\([Nnh])")
_TAG = re.compile(
    r"\\(?:fn(?P<fn>[^\\(),]*)|r(?P<r>[^\\(),]*)|b(?P<b>\d+)?(?=[\\)\s]|$)"
    r"|i(?P<i>[01])?(?=[\\)\s]|$)|p(?P<p>\d+))"
)
# A moment lies so long after a key frame: where times of decoding are all that a container
# knows, ffmpeg seeks 3/23 of a second earlier than it is told.
AFTER_KEY_S: Final = 0.15

_PLACED = re.compile(r"\\(?:pos|move|org|clip|iclip|frz|t|alpha|1a)\b|\\p[1-9]")
_NO_SPEECH = re.compile(r"sign|song|kara|lyric|title|insert|credit|\b(?:op|ed)\b", re.IGNORECASE)


class Style(NamedTuple):
    """The face of a style."""

    family: str
    bold: bool
    italic: bool


_NOWHERE = Style("", bold=False, italic=False)


class Event(NamedTuple):
    """One line that is shown."""

    start_s: float
    end_s: float
    style: str
    text: str


class Script(NamedTuple):
    """What was read of a script."""

    styles: dict[str, Style]
    events: tuple[Event, ...]


def parse_clock(text: str) -> float:
    """`0:00:01.50` in seconds; 0 where it is none."""
    match = re.fullmatch(r"\s*(-?\d+):(\d+):(\d+)[.:](\d+)\s*", text)
    if match is None:
        return 0.0
    hours, minutes, seconds, part = match.groups()
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{part}")


def parse(text: str) -> Script:
    """Read a script, however odd: what cannot be read is not shown either."""
    styles: dict[str, Style] = {}
    events: list[Event] = []
    section = ""
    fields: dict[str, list[str]] = {"events": list(EVENT_FIELDS)}
    for raw in text.removeprefix("\ufeff").splitlines():
        if match := SECTION.fullmatch(raw):
            section = "styles" if "styles" in match[1].lower() else match[1].lower()
            continue
        kind, _, rest = raw.partition(":")
        match section, kind.strip().lower():
            case (("styles" | "events"), "format"):
                fields[section] = [name.strip() for name in rest.split(",")]
            case "styles", "style":
                named = _named(fields.get("styles", []), rest)
                styles[named.get("name", "").lstrip("*")] = _style(named)
            case "events", "dialogue":
                named = _named(fields["events"], rest)
                event = Event(
                    parse_clock(named.get("start", "")),
                    parse_clock(named.get("end", "")),
                    named.get("style", "").lstrip("*"),
                    named.get("text", ""),
                )
                events.append(event)
    return Script(styles, tuple(event for event in events if event.end_s > event.start_s))


def _named(names: Sequence[str], rest: str) -> dict[str, str]:
    values = rest.split(",", max(len(names) - 1, 0))
    return {
        name.lower(): value if name.lower() == "text" else value.strip()
        for name, value in zip(names, values, strict=False)
    }


def _style(named: dict[str, str]) -> Style:
    return Style(
        named.get("fontname", ""),
        named.get("bold", "0") not in {"0", ""},
        named.get("italic", "0") not in {"0", ""},
    )


def runs(script: Script, event: Event) -> Iterator[tuple[Style, str]]:
    """The pieces of text that an event shows, each with its face; drawings left out."""
    base = script.styles.get(event.style) or script.styles.get("Default") or _NOWHERE
    face, home, drawing, at = base, base, False, 0
    for match in _BLOCK.finditer(event.text):
        if match.start() > at and not drawing:
            yield face, event.text[at : match.start()]
        at = match.end()
        for tag in _TAG.finditer(match[1] or ""):
            match tag.lastgroup, tag[0][1]:
                case "fn", _:
                    face = face._replace(family=tag["fn"].strip() or home.family)
                case "r", _:
                    home = script.styles.get(tag["r"].strip(), base)
                    face = home
                case "p", _:
                    drawing = int(tag["p"]) > 0
                case _, "b":
                    bold = (
                        home.bold if tag["b"] is None else int(tag["b"]) in {1, *range(600, 1001)}
                    )
                    face = face._replace(bold=bold)
                case _:
                    face = face._replace(
                        italic=home.italic if tag["i"] is None else tag["i"] == "1"
                    )
    if at < len(event.text) and not drawing:
        yield face, event.text[at:]


def plain(text: str) -> str:
    """What a person reads of a line."""
    shown = _BLOCK.sub(lambda match: " " if match[2] else "", text)
    return " ".join(shown.split())


def visible(character: str) -> bool:
    """Whether a font must have a shape for it."""
    if unicodedata.category(character) in {"Cc", "Cf", "Zs", "Zl", "Zp", "Cs"}:
        return False
    point = ord(character)
    fillers = {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0}
    selectors = (
        0xFE00 <= point <= 0xFE0F or 0xE0100 <= point <= 0xE01EF or 0x180B <= point <= 0x180F
    )
    return not selectors and point not in fillers


def fonts_used(script: Script) -> tuple[FontUse, ...]:
    """Every face with the characters that it shows."""
    used: dict[Style, set[str]] = {}
    for event in script.events:
        for face, text in runs(script, event):
            used.setdefault(face, set()).update(filter(visible, text))
    return tuple(
        FontUse(
            family=face.family,
            bold=face.bold,
            italic=face.italic,
            characters="".join(sorted(characters)),
        )
        for face, characters in sorted(used.items())
        if characters
    )


def spoken(event: Event) -> bool:
    """Whether a line is speech by its form: not placed, not a sign or a song by its style."""
    placed = _PLACED.search(event.text) or _NO_SPEECH.search(event.style)
    return not placed and bool(plain(event.text))


def lines_shown(script: Script) -> Counter[tuple[str, int]]:
    """What is to be read and when, roughly, to compare the lines of two tracks."""
    shown: Counter[tuple[str, int]] = Counter()
    for event in script.events:
        words = "".join(char for char in plain(event.text).casefold() if char.isalnum())
        if words:
            shown[words, round((event.start_s + event.end_s) / 2)] += 1
    return shown


def shared(one: Mapping[tuple[str, int], int], other: Mapping[tuple[str, int], int]) -> int:
    """How many lines of the one are shown by the other too, within a second."""
    return sum(
        count
        for (words, at_s), count in one.items()
        if any((words, at_s + late_s) in other for late_s in (-1, 0, 1))
    )


def covered_s(events: Iterable[Event]) -> float:
    """Seconds in which at least one of the events is shown."""
    total = reached = 0.0
    for event in sorted(events):
        total += max(0.0, event.end_s - max(event.start_s, reached))
        reached = max(reached, event.end_s)
    return total


def moments(
    script: Script, *, end_s: float, keys_s: Sequence[float] = (), wanted: int = 12
) -> tuple[float, ...]:
    """Times in lines, spread over the film; speech before anything else.

    They lie in the middle half of a line, soon after a key frame where one is shown then,
    since whoever looks at a moment has to decode everything from the key frame on.

    Args:
        script: What is shown.
        end_s: When the film ends: what comes later is seen by nobody.
        keys_s: When its key frames are shown, in order.
        wanted: At most so many.
    """
    seen = [
        event._replace(start_s=max(event.start_s, 0.0), end_s=min(event.end_s, end_s))
        for event in script.events
        if event.start_s < end_s and event.end_s > 0
    ]
    speech = [event for event in seen if spoken(event)]
    worded = [event for event in seen if any(text.strip() for _, text in runs(script, event))]
    found: dict[float, None] = {}
    for chosen in (speech, worded, seen):
        lasting = [event for event in chosen if event.end_s - event.start_s >= 0.3] or chosen
        found |= dict.fromkeys(spread(_moment(event, keys_s) for event in lasting))
    return tuple(found)[:wanted]


class Moment(NamedTuple):
    """A time to look at, and how much lies between it and the key frame before."""

    at_s: float
    decoded_s: float = 0.0


def _moment(event: Event, keys_s: Sequence[float]) -> Moment:
    quarter_s = (event.end_s - event.start_s) / 4
    soon = bisect.bisect_left(keys_s, event.start_s + quarter_s)
    if soon < len(keys_s) and keys_s[soon] + AFTER_KEY_S <= event.end_s - quarter_s:
        return Moment(keys_s[soon] + AFTER_KEY_S, AFTER_KEY_S)
    at_s = (event.start_s + event.end_s) / 2
    before = bisect.bisect_right(keys_s, at_s) - 1
    return Moment(at_s, at_s - keys_s[before] if before >= 0 else at_s)


def spread(moments: Iterable[Moment]) -> list[float]:
    """Nine of many times at most: first, last, middle, then finer.

    Whoever tries three of them sees the whole film. Of neighbours the cheapest is taken.
    """
    times = sorted({Moment(round(at_s, 3), far_s) for at_s, far_s in moments})
    parts = (0, 1, 1 / 2, 1 / 4, 3 / 4, 1 / 8, 3 / 8, 5 / 8, 7 / 8)
    near = len(times) // 20
    found: dict[float, None] = {}
    for part in parts if times else ():
        at = round((len(times) - 1) * part)
        around = times[max(at - near, 0) : at + near + 1]
        found[min(around, key=lambda moment: moment.decoded_s).at_s] = None
    return list(found)
