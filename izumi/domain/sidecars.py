"""Subtitle files beside a video: which of its folder's files are its own, and what they say."""

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Final, NamedTuple

import msgspec

from izumi.domain import languages
from izumi.domain.probe import Probe

SUFFIXES: Final = frozenset({".ass", ".ssa", ".srt", ".vtt"})
MOST: Final = 20
MOST_BYTES: Final = 64 << 20

_FLAGS: Final = {
    "forced": "forced",
    "sdh": "hearing_impaired",
    "hi": "hearing_impaired",
    "cc": "captions",
    "default": "default",
}
_CONTAINERS: Final = frozenset({"mkv", "mp4", "m4v", "webm", "avi", "mov", "ts", "m2ts", "ogm"})
_REGION: Final = re.compile(r"[a-z]{2,3}[-_][a-z0-9]{2,8}", re.IGNORECASE)


class Sidecar(NamedTuple):
    """One subtitle file, `<name of the video>.<words>.<suffix>`.

    Attributes:
        name: Of the file.
        language: As the name has it, such as "en" or "zh-Hant"; empty: it does not say.
        title: The words that are neither language nor flag.
        dispositions: Flags, such as "forced".
    """

    name: str
    language: str
    title: str
    dispositions: tuple[str, ...]

    @property
    def suffix(self) -> str:
        """Kind of file, in lower case."""
        return PurePosixPath(self.name).suffix.lower()


def beside(video: str, names: Iterable[str]) -> list[Sidecar]:
    """Those of the names that belong to a video of that name, in their order; twenty at most."""
    stem = PurePosixPath(video).stem.casefold()
    found = []
    for name in sorted(names):
        path = PurePosixPath(name)
        own = path.stem.casefold()
        if path.suffix.lower() in SUFFIXES and (own == stem or own.startswith(f"{stem}.")):
            found.append(_read(name, path.stem[len(stem) + 1 :]))
    return found[:MOST]


def own_name(number: int, sidecar: Sidecar) -> str:
    """What it is called in a job's folder: nothing of the stranger's name but its kind."""
    return f"beside_{number}{sidecar.suffix}"


def named(probe: Probe, beside: Sequence[Sidecar]) -> Probe:
    """The facts, with what the names of the last tracks' files say."""
    tracks = list(probe.subtitles)
    for sidecar, at in zip(beside, range(len(tracks) - len(beside), len(tracks)), strict=True):
        tracks[at] = msgspec.structs.replace(
            tracks[at],
            beside=sidecar.name,
            language=sidecar.language,
            title=sidecar.title,
            dispositions=sidecar.dispositions,
        )
    return msgspec.structs.replace(probe, subtitles=tuple(tracks))


def _read(name: str, said: str) -> Sidecar:
    language, flags, title = "", [], []
    for word in filter(None, re.split(r"[.\s]+", said)):
        low = word.casefold()
        if low in _FLAGS:
            flags.append(_FLAGS[low])
        elif not language and _tells_language(word):
            language = word
        elif low not in _CONTAINERS:
            title.append(word)
    return Sidecar(name, language, " ".join(title), tuple(dict.fromkeys(flags)))


def _tells_language(word: str) -> bool:
    tag = word.partition("-")[0].partition("_")[0] if _REGION.fullmatch(word) else word
    return bool(languages.named(tag))
