"""What ffmpeg's log lines mean. It says on stderr what its exit code keeps quiet about.

Lines come with their level (`-v level+info`): `[h264 @ 0x55d0] [error] text`.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from izumi.domain.probe import FontUse

_ADDRESS = re.compile(r" @ 0x[0-9a-f]+")
_SERIOUS = re.compile(r"\[(?:error|fatal|panic)\]")
_LEVEL = re.compile(r"\[(?:quiet|panic|fatal|error|warning|info|verbose|debug)\] ?")
# Said at warning level, or in words of their own; each came with a file cut or damaged.
_DAMAGE = re.compile(
    r"ended prematurely|Error while decoding|Error submitting packet to decoder|corrupt"
    r"|Invalid data found|concealing|error while decoding|Invalid NAL|missing picture"
    r"|Packet mismatch|partial file|invalid as first byte|exceeds containing master element"
    r"|decode_slice_header error|no frame!|cabac decode|Decoding error|Truncating packet"
    r"|Error number .* occurred|Task finished with error code",
    re.IGNORECASE,
)
# Said of sound files too: sloppy reference lists, durations rounded by a muxer, chapters
# that a muxer of another version wrote.
_HARMLESS = re.compile(
    r"mmco: unref short failure|co located POCs unavailable|Application provided duration"
    r"|number of reference frames .* exceeds max|Fontconfig (?:warning|error)"
    r"|Referenced QT chapter track not found"
    # Cover art larger than is decoded; were it the film, pictures would be missing.
    r"|\[(?:png|mjpeg|webp|bmp|tiff)\].* exceeds specified max pixel count"
)
_FULL_DISK = re.compile(r"No space left on device|Disk quota exceeded", re.IGNORECASE)
_MEMORY = re.compile(
    # A thread's stack is memory, too.
    r"Cannot allocate memory|malloc of size|Out of memory|pthread_create\(\) failed",
    re.IGNORECASE,
)
_SELECTED = re.compile(
    r"fontselect: \((?P<wanted>.*), -?\d+, -?\d+\) -> (?P<file>.*), -?\d+, (?P<name>[^,]*)$"
)
_NO_GLYPH = re.compile(
    r"failed to find any fallback with glyph 0x(?P<point>[0-9A-Fa-f]+)"
    r" for font: \((?P<wanted>.*), -?\d+, -?\d+\)"
)


class Selected(NamedTuple):
    """What libass took for a family: a file of the host, or a font from the job's folder.

    `file` is a path, or the PostScript name again for a font that came with the file.
    """

    wanted: str
    file: str
    name: str


def clean(line: str) -> str:
    """The line without what changes from run to run."""
    return _ADDRESS.sub("", line).strip()


def message(line: str) -> str:
    """The line as a person reads it: without its level too."""
    return _LEVEL.sub("", clean(line))


def harmless(line: str) -> bool:
    """Whether it is said of sound files too."""
    return bool(_HARMLESS.search(line))


def damage(lines: Iterable[str]) -> list[str]:
    """Lines that say that something could not be read or decoded, each once."""
    found = [
        message(line)
        for line in lines
        if (_DAMAGE.search(line) or _SERIOUS.search(line)) and not harmless(line)
    ]
    return list(dict.fromkeys(found))


def read_error(lines: Iterable[str]) -> bool:
    """Whether a failure is the source's own: it will fail in the same way anywhere."""
    return any(_DAMAGE.search(line) and not harmless(line) for line in lines)


def disk_full(lines: Iterable[str]) -> bool:
    """Whether a failure is that of a full disk."""
    return any(_FULL_DISK.search(line) for line in lines)


def memory_short(lines: Iterable[str]) -> bool:
    """Whether a failure is that of the memory limit."""
    return any(_MEMORY.search(line) for line in lines)


def selected(lines: Iterable[str]) -> list[Selected]:
    """The fonts that were taken, each once."""
    found = (_SELECTED.search(clean(line)) for line in lines)
    return list(
        dict.fromkeys(
            Selected(match["wanted"], match["file"], match["name"]) for match in found if match
        )
    )


def without_glyph(lines: Iterable[str]) -> dict[str, str]:
    """Family to the characters that no font on this host has a shape for."""
    found: dict[str, set[str]] = {}
    for line in lines:
        if match := _NO_GLYPH.search(line):
            found.setdefault(match["wanted"], set()).add(chr(int(match["point"], 16)))
    return {family: "".join(sorted(points)) for family, points in found.items()}


def missing(uses: Iterable[FontUse], lines: Iterable[str]) -> dict[str, str]:
    """As `without_glyph`, of the characters that are really shown."""
    shown = {char for use in uses for char in use.characters}
    kept = {
        family: "".join(char for char in characters if char in shown)
        for family, characters in without_glyph(lines).items()
    }
    return {family: characters for family, characters in kept.items() if characters}
