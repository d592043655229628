"""Which country's forms of Han characters a subtitle wants: one code, five ways to draw it."""

import re
from collections.abc import Iterable
from typing import Final, Literal

from izumi.domain import languages
from izumi.domain.probe import AudioStream, SubtitleStream

Han = Literal["JP", "SC", "TC", "HK", "KR"]

ORDER: Final[tuple[Han, ...]] = ("JP", "SC", "TC", "HK", "KR")

_HONG_KONG = re.compile(r"\bzh(?:-hant)?-(?:hk|mo)\b|\byue\b|hong ?kong|香港", re.IGNORECASE)
_TRADITIONAL = re.compile(
    r"\bzh-(?:hant|tw)\b|\bcht\b|\btc\b|jptc|trad|big5|繁|正體", re.IGNORECASE
)
_SIMPLIFIED = re.compile(
    r"\bzh-(?:hans|cn|sg)\b|\bchs\b|\bsc\b|jpsc|simp|\bgb\b|简|簡体|簡體", re.IGNORECASE
)
_CHINESE: Final[tuple[tuple[Han, re.Pattern[str]], ...]] = (
    ("HK", _HONG_KONG),
    ("TC", _TRADITIONAL),
    ("SC", _SIMPLIFIED),
)
_BY_LANGUAGE: Final[dict[str, Han]] = {"jpn": "JP", "kor": "KR"}


def wanted(subtitles: Iterable[SubtitleStream], audio: AudioStream | None) -> Han:
    """The forms to prefer: those of the subtitles, else of the speech, else Japanese.

    Signs in English subtitles are written as the show writes them.
    """
    for track in subtitles:
        characters = "".join(use.characters for use in track.fonts)
        if (found := variant(track.language, track.title, characters)) is not None:
            return found
    return (audio and variant(audio.language, audio.title, "")) or "JP"


def variant(tag: str, title: str, characters: str) -> Han | None:
    """Told by the language and title of a track, else by its characters; None: not told.

    A Chinese track that does not say which is told by characters that only one of the two
    old national character sets has.
    """
    language = languages.of_track(tag, title)
    if language in _BY_LANGUAGE:
        return _BY_LANGUAGE[language]
    if language == "zho":
        said = f"{tag.replace('_', '-')} {title}"
        return next((forms for forms, words in _CHINESE if words.search(said)), None) or (
            _chinese(characters)
        )
    if language:
        return None
    if any("\u3041" <= char <= "\u30ff" for char in characters):
        return "JP"
    if any("\uac00" <= char <= "\ud7a3" for char in characters):
        return "KR"
    return (
        _chinese(characters) if any("\u4e00" <= char <= "\u9fff" for char in characters) else None
    )


def _chinese(characters: str) -> Han:
    simplified = sum(_in(char, "gb2312") and not _in(char, "big5") for char in characters)
    traditional = sum(_in(char, "big5") and not _in(char, "gb2312") for char in characters)
    return "TC" if traditional > simplified else "SC"


def _in(character: str, coding: str) -> bool:
    try:
        character.encode(coding)
    except UnicodeEncodeError:
        return False
    return True
