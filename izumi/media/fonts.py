"""Fonts for libass: those that came with the file, the shipped ones, those of the host.

libass asks fontconfig, and without a configuration it draws nothing at all and says so
nowhere but in its log. So every job brings its own configuration.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from noto_cjk_sans_otc import FONT_PATH

from izumi.domain import fontfile, han
from izumi.domain.han import Han
from izumi.domain.probe import Attachment
from izumi.domain.render_log import Selected

SHIPPED: Final = Path(str(FONT_PATH))
SHIPPED_FAMILY: Final = "Noto Sans CJK JP"
SYSTEM: Final = Path("/etc/fonts/fonts.conf")
_GENERIC: Final = frozenset({"", "sans", "sans-serif", "serif", "monospace"})


def config(cache: Path, forms: Han = "JP", *, system: Path = SYSTEM) -> str:
    """A fontconfig file: the shipped fonts, the host's own configuration where there is one.

    The shipped families cover Latin, Greek, Cyrillic and all of Chinese, Japanese and
    Korean. They are the last resort of every other one, and what "sans-serif" means, by
    which libass looks for a character that a font lacks: so the same shapes are drawn on
    every host.

    Args:
        cache: Of fontconfig's index.
        forms: Whose forms of Han characters are drawn where a font is to be found.
        system: The host's own configuration.
    """
    order = [forms, *(other for other in han.ORDER if other != forms)]
    names = "".join(f"<string>Noto Sans CJK {name}</string>" for name in order)
    return f"""<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <cachedir>{escape(str(cache))}</cachedir>
  <dir>{escape(str(SHIPPED.parent))}</dir>
  <include ignore_missing="yes">{escape(str(system))}</include>
  <match target="pattern">
    <test name="family"><string>sans-serif</string></test>
    <edit name="family" mode="prepend_first" binding="strong">{names}</edit>
  </match>
  <match target="pattern">
    <edit name="family" mode="append_last">{names}</edit>
  </match>
</fontconfig>
"""


def prepare(
    folder: Path, cache: Path, forms: Han = "JP", *, system: Path = SYSTEM
) -> dict[str, str]:
    """Write the configuration into a job's folder; the environment that makes it used.

    The cache is shared by all jobs of this host: reading every font takes seconds.
    """
    cache.mkdir(parents=True, exist_ok=True)
    (folder / "fonts").mkdir(exist_ok=True)
    path = folder / "fonts.conf"
    path.write_text(config(cache, forms, system=system), encoding="utf-8")
    return {"FONTCONFIG_FILE": str(path)}


def substitutions(
    chosen: Iterable[Selected], attached: Sequence[Attachment]
) -> list[dict[str, str]]:
    """Families that a script asks for and did not get, with what was taken instead."""
    found: dict[str, str] = {}
    for font in chosen:
        wanted = font.wanted.removeprefix("@")
        if wanted.casefold() in _GENERIC or wanted in found:
            continue
        answers = _answers(font, attached)
        if answers and wanted.casefold() not in {name.casefold() for name in answers}:
            found[wanted] = font.name
    return [{"wanted": wanted, "used": used} for wanted, used in sorted(found.items())]


def _answers(font: Selected, attached: Sequence[Attachment]) -> tuple[str, ...]:
    """The names that a chosen font answers to; empty: they cannot be told."""
    for attachment in attached:
        if font.name in attachment.families:
            return attachment.families
    path = Path(font.file)
    if not path.is_absolute() or not path.is_file():
        return ()
    return fontfile.families(path.read_bytes())
