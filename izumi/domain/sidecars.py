"""Subtitle files beside a video: which of its folder's files are its own, and what they say."""

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Final, NamedTuple

import msgspec

from izumi.domain import languages
from izumi.domain.probe import Probe, SubtitleStream

SUFFIXES: Final = frozenset({".ass", ".ssa", ".srt", ".vtt"})
# Other kinds: nobody shall believe that a video without tracks has no subtitles.
_NOT_READ: Final = frozenset({".idx", ".sub", ".sup", ".smi", ".ttml", ".dfxp", ".stl", ".scc"})
MOST: Final = 20
MOST_BYTES: Final = 64 << 20

_FLAGS: Final = {
    "forced": "forced",
    "sdh": "hearing_impaired",
    "hi": "hearing_impaired",
    "cc": "captions",
    "default": "default",
}
_WAY_OUT: Final = "files of that kind are not read; put it into the video, as mkvmerge does"
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

    @property
    def read(self) -> bool:
        """Whether it is of a kind that is read."""
        return self.suffix in SUFFIXES


def beside(video: str, names: Iterable[str]) -> list[Sidecar]:
    """Those of the names that belong to a video of that name, in their order; twenty at most.

    Those of kinds that are not read come last; of a pair (`.idx` and `.sub`) the first.
    """
    stem = PurePosixPath(video).stem.casefold()
    found = []
    for name in sorted(names):
        path = PurePosixPath(name)
        own = path.stem.casefold()
        known = path.suffix.lower() in SUFFIXES | _NOT_READ
        if known and (own == stem or own.startswith(f"{stem}.")):
            found.append(_read(name, path.stem[len(stem) + 1 :]))
    pairs = {PurePosixPath(one.name).stem for one in found if one.suffix == ".idx"}
    single = [s for s in found if s.suffix != ".sub" or PurePosixPath(s.name).stem not in pairs]
    return sorted(single, key=lambda sidecar: not sidecar.read)[:MOST]


def own_name(number: int, sidecar: Sidecar) -> str:
    """What it is called in a job's folder: nothing of the stranger's name but its kind."""
    return f"beside_{number}{sidecar.suffix}"


def named(probe: Probe, beside: Sequence[Sidecar]) -> Probe:
    """The facts, with what the names of files say: the last tracks are those that were read."""
    tracks = list(probe.subtitles)
    index = max((stream.index for stream in (*probe.video, *probe.audio, *tracks)), default=0)
    for number, _ in enumerate((one for one in beside if not one.read), index + 1):
        tracks.append(SubtitleStream(index=number, codec="", text=False, trouble=_WAY_OUT))
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
