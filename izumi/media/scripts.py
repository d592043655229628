"""The text subtitles of one file, as ASS files in the job's folder."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from izumi.domain import ass, ass_fonts, ass_load
from izumi.media.font_folder import FontFolder


class Scripts:
    """Writes scripts, and tells what decides about them.

    Args:
        folder: Receives `track_<index>.ass`; None: nothing is written.
        fonts: Gets the fonts that are inside of scripts.
        film_end_s: When the film ends, from its start.
        keys_s: When its key frames are shown, in order: near them a look is cheap.
    """

    def __init__(
        self,
        folder: Path | None,
        fonts: FontFolder,
        film_end_s: float,
        keys_s: Sequence[float] = (),
    ) -> None:
        self._folder = folder
        self._fonts = fonts
        self._film_end_s = film_end_s
        self._keys_s = keys_s
        self._lines: dict[int, Counter[tuple[str, int]]] = {}

    def keep(self, index: int, text: str) -> dict[str, Any]:
        """Write one; its facts, as fields of `SubtitleStream`."""
        named: dict[str, Any] = {}
        if self._folder is not None:
            named["file"] = f"track_{index}.ass"
            (self._folder / named["file"]).write_text(text, encoding="utf-8")
        for font in ass_fonts.embedded(text):
            self._fonts.add(index, f"inside track {index}", font)
        script = ass.parse(text)
        self._lines[index] = ass.lines_shown(script)
        speech = [event for event in script.events if ass.spoken(event)]
        return named | {
            "events": len(script.events),
            "spoken": len(speech),
            "spoken_s": round(ass.covered_s(speech), 3),
            "fonts": ass.fonts_used(script),
            "moments": ass.moments(script, end_s=self._film_end_s, keys_s=self._keys_s),
            "heaviest": ass_load.heaviest(script, end_s=self._film_end_s),
        }

    def shared(self, index: int) -> tuple[tuple[int, int], ...]:
        """How many lines of one are in each of the others, where there are any."""
        own = self._lines.get(index, Counter())
        found = (
            (other, ass.shared(own, lines))
            for other, lines in self._lines.items()
            if other != index
        )
        return tuple((other, count) for other, count in found if count)
