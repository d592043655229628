"""ASS scripts, written from what containers hold."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from izumi.domain.ass import EVENT_FIELDS, SECTION
from izumi.domain.probe import FontUse

_PLAIN_HEADER = """\
[Script Info]
ScriptType: v4.00+
PlayResX: {width}
PlayResY: {height}
WrapStyle: 0
ScaledBorderAndShadow: yes
YCbCr Matrix: None

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, \
Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, \
Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,sans-serif,{size},&H00FFFFFF,&H00FFFFFF,&H00000000,&H80000000,\
-1,0,0,0,100,100,0,0,1,{edge:.1f},{shadow:.1f},2,{side},{side},{below},1
"""


class Cue(NamedTuple):
    """One line as a container holds it.

    `order` is its place in the script it came from, which decides what lies above what;
    `fields` are Layer, Style, Name, MarginL, MarginR, MarginV, Effect and Text.
    """

    start_s: float
    end_s: float
    order: int
    fields: tuple[str, ...]


def clock(seconds: float) -> str:
    """Seconds as ASS writes them: `0:00:01.50`; never below zero."""
    hundredths = max(round(seconds * 100), 0)
    minutes, rest = divmod(hundredths, 6000)
    return f"{minutes // 60}:{minutes % 60:02}:{rest // 100:02}.{rest % 100:02}"


def assemble(header: str, cues: Iterable[Cue]) -> str:
    """A whole script of a container's header and lines, in the order of the original."""
    kept, section = [], ""
    for raw in header.removeprefix("\ufeff").replace("\0", "").splitlines():
        if match := SECTION.fullmatch(raw):
            section = match[1].lower()
        if section != "events":
            kept.append(raw)
    lines = ["Format: " + ", ".join(EVENT_FIELDS)]
    for cue in sorted(cues, key=lambda cue: cue.order):
        layer, *rest = (re.sub(r"\r?\n|\r", r"\\N", field) for field in cue.fields)
        lines.append(f"Dialogue: {layer},{clock(cue.start_s)},{clock(cue.end_s)},{','.join(rest)}")
    return "\n".join([*kept, "", "[Events]", *lines, ""])


def plain_header(width: int, height: int) -> str:
    """The house style for subtitles that bring none, at the size of the picture."""
    return _PLAIN_HEADER.format(
        width=width,
        height=height,
        size=round(height / 15),
        edge=height / 360,
        shadow=height / 720,
        side=round(width / 32),
        below=round(height / 20),
    )


def glyph_sheet(uses: Iterable[FontUse]) -> str:
    """A script whose first second shows every character of every face, to see what fails."""
    cues = []
    for number, use in enumerate(uses):
        # A brace or backslash would be read as the beginning of a tag.
        characters = " ".join(char for char in use.characters if char not in "{}\\")
        tags = rf"{{\an7\pos(0,{number % 60})\fn{use.family}\b{int(use.bold)}\i{int(use.italic)}}}"
        fields = ("0", "Default", "", "0", "0", "0", "", tags + characters)
        cues.append(Cue(0.0, 1.0, number, fields))
    header = plain_header(640, 360).replace("WrapStyle: 0", "WrapStyle: 2")
    return assemble(header, cues)
