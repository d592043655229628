r"""Keys: where a file lies below a root, legal on every storage, and nowhere else.

A key is `<show folder>/[<season folder>/]<episode file>`, two to four parts. It comes
from strangers (a release's name, an event, a request), so this check is what stands
between their text and a path. A part that passes means the same on ext4, NTFS, WebDAV,
SFTP, S3 and the drives that rclone knows: it is stored and listed under just that name.

What is refused, and why:

- `/`, `\`, NUL, C0 and C1 controls, DEL: separators, and bytes that split log lines.
- `< > : " | ? *`, the names of Windows devices, a trailing dot: SMB and NTFS.
- Spaces at an end: cut off by several drives. White space other than U+0020 and
  U+3000: reads like another name.
- Bidirectional and zero-width controls, and letters that show nothing: as above.
- U+201B, the control pictures U+2400 to U+2421, U+FF0F, and names of nothing but dots
  (U+FF0E too): rclone writes them in place of characters that a storage cannot hold,
  and decodes them again.
- Private use: SMB puts U+F022 there for `:`, among others. Noncharacters, surrogates.
- What is not in form C: macOS would list it under another name. Not checked for code
  points newer than this Python, whose form it cannot know.
- A leading `-`: an option to whoever types the name in a shell.
- The ending of our own temporary names.

A leading dot is legal (".hack" is a show), and so is `~`.
"""

import hashlib
import re
import unicodedata
from typing import Final

from izumi.domain.errors import BadKey

MAX_PART_BYTES: Final = 255
"""Of UTF-8; what ext4, S3 gateways and most drives take for one name."""

LEAST_PART_BYTES: Final = 128
"""A storage that takes no names of so many bytes cannot hold clean names."""

MAX_KEY_BYTES: Final = 900
"""Of UTF-8; an S3 object's whole name may have 1024, the location's folders included."""

TRASH: Final = ".izumi-trash"
"""Folder at the root of a location that what was deleted or replaced waits in, one folder for
each operation or job; its name begins with the time."""

PART_ENDING: Final = ".izumi-part"
"""Every temporary name of ours ends with it."""

_MAX_TEMPORARY_BYTES = 140  # a crypt remote takes names of 143
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,96}")
_PLAIN = re.compile(r"[A-Za-z0-9 ._\[\]()-]*")
_CATEGORIES = {
    "Cc": "a control character",
    "Cf": "an invisible formatting character",
    "Co": "a private-use character, which means something else on every system",
    "Cs": "a lone surrogate: the name was not UTF-8",
    "Zl": "a line separator",
    "Zp": "a paragraph separator",
}
_CHARACTERS = (
    (re.compile(r'[/\\<>:"|?*]'), "which not every storage can hold"),
    (re.compile("[\u201b\u2400-\u2421\uff0f]"), "which rclone takes for another character"),
    (re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0]"), "which shows nothing"),
    (re.compile("[^\\S \u3000]"), "white space that reads like a plain space"),
    (re.compile("[\ufdd0-\ufdef]"), "which is no character"),
)
_SHAPES = (
    (re.compile("[.\uff0e]*"), "is nothing but dots"),
    (re.compile(r"\s.*|.*\s"), "begins or ends with a space"),
    (re.compile(r".*\."), "ends with a dot"),
    (re.compile("-.*"), "begins with '-', which reads as an option"),
    (
        re.compile(
            r"(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9\u00b9\u00b2\u00b3]) *(\..*)?",
            re.IGNORECASE,
        ),
        "is the name of a device on Windows",
    ),
    (re.compile(r".*" + re.escape(PART_ENDING)), f"ends like a temporary name ({PART_ENDING})"),
)


def fault(text: str) -> str | None:
    """Why `text` cannot be a part of a key, as the end of a sentence; None: it can."""
    if not text:
        return "is empty"
    for char in "" if _PLAIN.fullmatch(text) else text:
        if reason := _unsafe(char):
            return f"contains {char!a}, {reason}"
    if not unicodedata.is_normalized("NFC", text):
        return "is not in Unicode form C"
    if (size := len(text.encode())) > MAX_PART_BYTES:
        return f"has {size} bytes of UTF-8; {MAX_PART_BYTES} are allowed"
    return next((reason for shape, reason in _SHAPES if shape.fullmatch(text)), None)


def _unsafe(char: str) -> str | None:
    if reason := _CATEGORIES.get(unicodedata.category(char)):
        return reason
    if ord(char) & 0xFFFE == 0xFFFE:  # the last two of every plane
        return "which is no character"
    return next((reason for chars, reason in _CHARACTERS if chars.match(char)), None)


def check_part(text: str) -> str:
    """`text` itself, when it can be one part of a key.

    Raises:
        BadKey: It cannot; the message names the text and the reason.
    """
    if reason := fault(text):
        msg = f"the name {_shown(text)} {reason}"
        raise BadKey(msg)
    return text


def parse_key(text: str) -> tuple[str, ...]:
    """The parts of a key: folders first, the file's name last.

    Raises:
        BadKey: Not two to four legal parts; the message names the part and the reason.
    """
    parts = tuple(text.split("/"))
    if not 2 <= len(parts) <= 4:
        msg = (
            f"the key {_shown(text)} has {len(parts)} parts; "
            "it is <show folder>/[<season folder>/]<episode file>"
        )
        raise BadKey(msg)
    for number, part in enumerate(parts, 1):
        if reason := fault(part):
            msg = f"the key {_shown(text)}: part {number}, {_shown(part)}, {reason}"
            raise BadKey(msg)
    if (size := len(text.encode())) > MAX_KEY_BYTES:
        msg = f"the key {_shown(text)} has {size} bytes of UTF-8; {MAX_KEY_BYTES} are allowed"
        raise BadKey(msg)
    return parts


def part_name(token: str, final: str) -> str:
    """The temporary name beside `final` for the attempt that `token` belongs to.

    `.<beginning of final>.<8 hex of all of final>.<token>.izumi-part`: hidden, at most
    140 bytes whatever `final` is (so that a storage that takes `final` takes it too),
    and different for two files of one attempt.

    Raises:
        ValueError: `token` is not 1 to 96 letters, digits, `-` or `_`.
    """
    if not _TOKEN.fullmatch(token):
        msg = f"not 1 to 96 letters, digits, '-' or '_': {token!r}"
        raise ValueError(msg)
    ending = f".{hashlib.sha256(final.encode()).hexdigest()[:8]}.{token}{PART_ENDING}"
    room = _MAX_TEMPORARY_BYTES - len(ending) - 1
    beginning = final.encode()[:room].decode("utf-8", "ignore").rstrip(". ")
    return f".{beginning}{ending}"


def part_token(name: str) -> str | None:
    """The token in a name that `part_name` made; None for any other name."""
    if not name.startswith(".") or not name.endswith(PART_ENDING):
        return None
    token = name.removesuffix(PART_ENDING).rpartition(".")[2]
    return token if _TOKEN.fullmatch(token) else None


def _shown(text: str) -> str:
    return repr(text if len(text) <= 120 else f"{text[:117]}...")
