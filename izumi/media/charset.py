"""Text of files that do not say how they are encoded."""

import codecs
from typing import Final

from charset_normalizer import from_bytes

from izumi.domain import languages

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_EASTERN: Final = {"jpn": ("cp932",), "kor": ("cp949",), "zho": ("gb18030", "big5hkscs")}
_WESTERN: Final = ("cp1252",)
_OTHER: Final = {
    "rus": ("cp1251",), "ukr": ("cp1251",), "bul": ("cp1251",), "srp": ("cp1251", "cp1250"),
    "pol": ("cp1250",), "ces": ("cp1250",), "slk": ("cp1250",), "hun": ("cp1250",),
    "hrv": ("cp1250",), "slv": ("cp1250",), "ron": ("cp1250",), "tur": ("cp1254",),
    "ell": ("cp1253",), "heb": ("cp1255",), "ara": ("cp1256",), "vie": ("cp1258",),
    "tha": ("cp874",),
}  # fmt: skip
# Fewer characters than these tell no encoding from another, unless only one fits.
_FEWEST: Final = 16


def decode(data: bytes, language: str) -> tuple[str, str]:
    """The text, and the name of its encoding.

    Args:
        data: A whole file.
        language: What it is said to be in, which narrows what it can be; or empty.

    Raises:
        ValueError: It is no text, or more than one encoding would do.
    """
    for mark, coding in _MARKS:
        if data.startswith(mark):
            text = _strict(data, coding)
            if text is None:
                raise ValueError(f"it says that it is {coding}, and is not")
            return text, coding
    if (coding := _wide(data)) and (wide := _strict(data, coding)) is not None:
        return wide, coding
    if b"\0" in data:
        raise ValueError("it is no text")
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return _guessed(data, languages.normal(language))


def _wide(data: bytes) -> str:
    """UTF-16 without a mark: every other byte of what is ASCII is zero."""
    head = data[:4096]
    for coding, place in (("utf-16-le", 1), ("utf-16-be", 0)):
        zeros = head[place::2].count(0)
        if zeros > len(head) / 8 and not head[1 - place :: 2].count(0):
            return coding
    return ""


def _guessed(data: bytes, language: str) -> tuple[str, str]:
    eastern = [coding for codings in _EASTERN.values() for coding in codings]
    if language:
        able = _EASTERN.get(language) or _OTHER.get(language) or _WESTERN
    else:
        able = (*eastern, *_WESTERN)
    fitting = {coding: text for coding in able if (text := _strict(data, coding)) is not None}
    if not fitting:
        raise ValueError(f"it is in none of UTF-8, UTF-16, {', '.join(able)}")
    if len(set(fitting.values())) == 1:
        coding, text = next(iter(fitting.items()))
        return text, coding
    told = sum(byte > 0x7F for byte in data)
    best = from_bytes(data, cp_isolation=list(fitting)).best()
    if best is None or told < _FEWEST * 2:
        raise ValueError(f"its encoding may be any of {', '.join(fitting)}; save it as UTF-8")
    # It may name an encoding by another of its names, and never by another text.
    coding = next((own for own in fitting if fitting[own] == str(best)), "")
    if not coding:
        raise ValueError(f"its encoding may be any of {', '.join(fitting)}; save it as UTF-8")
    return fitting[coding], coding


def _strict(data: bytes, coding: str) -> str | None:
    try:
        return data.decode(coding)
    except UnicodeDecodeError:
        return None
