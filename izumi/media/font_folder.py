"""The fonts that came with a file, in a folder of their own that libass may read whole."""

from pathlib import Path
from typing import Final

from izumi.domain import fontfile
from izumi.domain.probe import Attachment

_MOST: Final = 500
_MOST_FONT_BYTES: Final = 64 << 20
_MOST_FONTS_BYTES: Final = 512 << 20


class FontFolder:
    """Judges files by their content, and writes the fonts under names of our own.

    libass reads every file of the folder, and a name from a stranger's file may hold
    anything, be there twice, or climb out.

    Args:
        folder: Made with the first font; None: nothing is written.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._written = 0
        self.found: list[Attachment] = []

    def add(self, index: int, name: str, data: bytes) -> None:
        """Look at one file that came with stream `index`."""
        font = fontfile.kind(data)
        file = ""
        small = len(data) <= _MOST_FONT_BYTES and self._written + len(data) <= _MOST_FONTS_BYTES
        if self._folder is not None and font and small and len(self.found) < _MOST:
            self._folder.mkdir(exist_ok=True)
            file = f"font_{len(self.found):03}.{font}"
            (self._folder / file).write_bytes(data)
            self._written += len(data)
        self.found.append(
            Attachment(
                index=index,
                name=name,
                size=len(data),
                font=font,
                file=file,
                families=fontfile.families(data) if font else (),
            )
        )
