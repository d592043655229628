"""Subtitles and scenery of sample episodes, as ASS text. Pure."""

import random
from collections.abc import Sequence

import msgspec

from izumi.domain.ass import EVENT_FIELDS
from izumi.domain.ass_write import clock

_STYLE_FIELDS = (
    "Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour,"
    " Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline,"
    " Shadow, Alignment, MarginL, MarginR, MarginV, Encoding"
)


class Line(msgspec.Struct, frozen=True):
    """One subtitle: seconds from the film's start, and ASS text."""

    start_s: float
    end_s: float
    text: str
    style: str = "Default"


def script(
    lines: Sequence[Line], *, width: int, height: int, font: str, matrix: str = "TV.709"
) -> str:
    """A whole ASS file with the styles `Default` (speech), `Alt` (italics) and `Sign`."""
    unit = height / 360
    styles = [
        f"Style: {name},{font},{size * unit:.0f},{fill},&H000000FF,{edge},&H64000000,"
        f"0,{italic},0,0,100,100,0,0,1,{2 * unit:.1f},{unit:.1f},{place},20,20,{18 * unit:.0f},1"
        for name, size, fill, edge, italic, place in (
            ("Default", 26, "&H00FFFFFF", "&H00402020", 0, 2),
            ("Alt", 26, "&H00F0E0C0", "&H00402020", -1, 2),
            ("Sign", 20, "&H0080D8FF", "&H00202060", 0, 8),
        )
    ]
    events = [
        f"Dialogue: 0,{clock(line.start_s)},{clock(line.end_s)},{line.style},,0,0,0,,{line.text}"
        for line in lines
    ]
    return "\n".join(
        [
            "[Script Info]",
            "ScriptType: v4.00+",
            f"PlayResX: {width}",
            f"PlayResY: {height}",
            "ScaledBorderAndShadow: yes",
            *([f"YCbCr Matrix: {matrix}"] if matrix else []),
            "",
            "[V4+ Styles]",
            _STYLE_FIELDS,
            *styles,
            "",
            "[Events]",
            f"Format: {', '.join(EVENT_FIELDS)}",
            *events,
            "",
        ]
    )


def scenery(seconds: float, *, petals: int = 14) -> str:
    """A moon, hills, water and falling petals, as ASS drawings on 640 by 360."""
    whole = round(seconds * 1000)
    fall = random.Random("izumi")  # noqa: S311 - the same petals every time
    shapes = [
        (
            rf"{{\move(460,80,430,66,0,{whole})\1c&HD8F4FF&\blur3\p1}}"
            "m 0 0 b 0 -33 50 -33 50 0 b 50 33 0 33 0 0"
        ),
        (
            r"{\pos(0,0)\1c&H6B4A3F&\p1}"
            "m 0 250 b 120 150 200 190 320 240 b 420 170 520 160 640 230 l 640 360 0 360"
        ),
        (
            rf"{{\move(0,0,-30,0,0,{whole})\1c&H4A2F2B&\p1}}"
            "m -40 290 b 100 220 260 260 380 300 b 480 240 600 250 720 290 l 720 360 -40 360"
        ),
        r"{\pos(0,0)\1c&H8A6A4A&\1a&H40&\p1}m 0 318 b 200 308 440 330 640 316 l 640 360 0 360",
    ]
    for _ in range(petals):
        across, drift = fall.randint(-40, 620), fall.randint(20, 120)
        begin, lasts = fall.randint(-4000, max(whole - 1500, 1)), fall.randint(4000, 7000)
        turns, size = fall.randint(200, 900), fall.randint(80, 160)
        shapes.append(
            rf"{{\move({across},-12,{across + drift},372,{begin},{begin + lasts})"
            rf"\fscx{size}\fscy{size}\t({begin},{begin + lasts},\frz{turns})\1c&HC8B4FF&\p1}}"
            "m 0 0 b 4 -6 12 -4 12 2 b 8 8 2 6 0 0"
        )
    lines = [Line(0, seconds + 60, text, "Shape") for text in shapes]
    styled = script(lines, width=640, height=360, font="none")
    shape = "Style: Shape,none,10" + ",&H00FFFFFF" * 4 + ",0,0,0,0,100,100,0,0,1,0,0,7,0,0,0,1\n"
    return styled.replace("\n[Events]", f"{shape}\n[Events]")
