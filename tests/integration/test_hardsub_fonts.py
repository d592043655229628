"""Fonts of hardsubs, seen in pixels."""

from pathlib import Path

import pytest

from izumi.domain.errors import Held
from izumi.domain.profile import Profile
from izumi.media.fonts import SHIPPED_FAMILY
from tests.support.blockfont import write_block_font
from tests.support.media import (
    BLOCKS,
    Frame,
    Line,
    Media,
    Subtitles,
    attached,
    clip,
    likeness,
    script,
    silent,
    white,
)

BIG = r"{\fs36}"


def solid(frame: Frame) -> float:
    """Which share of the text's own box is filled: near 1 only where glyphs are blocks."""
    left, top, right, bottom = frame.box(white)
    area = (right - left) * (bottom - top)
    return frame.count(white) / area if area else 0.0


@pytest.mark.parametrize(
    "mime_type",
    ["font/ttf", "application/octet-stream", "text/plain"],
)
async def test_an_attached_font_is_used_whatever_its_mime_type(media: Media, tmp_path, mime_type):
    source = await media.sample(silent(attachments=(attached(media.blocks, "a.ttf", mime_type),)))
    made = await media.encode(source, tmp_path / "job")
    assert solid(media.frame(made.output, 1.5)) > 0.9
    assert "substituted_fonts" not in made.recipe


async def test_a_missing_font_is_replaced_and_the_recipe_says_so(media: Media, tmp_path):
    source = await media.sample(silent(Line(0.5, 2.5, BIG + "Hello"), font="No Such Font"))
    made = await media.encode(source, tmp_path / "job")
    assert made.recipe["substituted_fonts"] == [
        {"wanted": "No Such Font", "used": "NotoSansCJKjp-Regular"}
    ]
    frame = media.frame(made.output, 1.5)
    assert frame.count(white) > 200
    assert solid(frame) < 0.7


async def test_japanese_is_drawn_on_a_host_without_any_font(media: Media, tmp_path):
    source = await media.sample(silent(Line(0.5, 2.5, BIG + "月の泉 샘 泉水"), font="No Such Font"))
    made = await media.encode(source, tmp_path / "job")
    assert media.frame(made.output, 1.5).count(white) > 200


@pytest.mark.parametrize(
    ("language", "title", "forms"),
    [("jpn", "", "JP"), ("chi", "", "SC"), ("chi", "繁體", "TC"), ("kor", "", "KR")],
)
async def test_han_is_drawn_in_the_forms_of_the_subtitles_language(
    media: Media, tmp_path, language, title, forms
):
    def named(font: str) -> str:
        # One code each, and another shape in each country.
        return script([Line(0.2, 0.8, r"{\fs60}骨直房今")], width=320, height=180, font=font)

    track = Subtitles(script=named("No Such Font"), language=language, title=title)
    source = await media.sample(silent(seconds=1.0, subtitles=(track,), attachments=()))
    profile = Profile(preset="ultrafast", crf=8, subtitle_languages=("jpn", "zho", "kor"))
    made = await media.encode(source, tmp_path / "job", profile=profile)
    assert made.recipe["han"] == forms
    drawn = media.frame(made.output, 0.5)
    likest = max(
        ("JP", "SC", "TC", "KR"),
        key=lambda name: likeness(
            drawn, media.golden(named(f"Noto Sans CJK {name}"), 0.5, width=320, height=180)
        ),
    )
    assert likest == forms


async def test_a_hosts_own_fonts_do_not_change_what_is_drawn_for_a_missing_character(
    media: Media, tmp_path
):
    host = tmp_path / "host"
    host.mkdir()
    write_block_font(host / "host.ttf", "Host Sans", "月の泉")
    own = tmp_path / "fonts.conf"
    own.write_text(
        f'<fontconfig><dir>{host}</dir><alias binding="strong">'
        "<family>sans-serif</family><prefer><family>Host Sans</family></prefer></alias>"
        "</fontconfig>"
    )
    source = await media.sample(
        silent(Line(0.2, 0.8, BIG + "月の泉"), seconds=1.0, attachments=(attached(media.blocks),))
    )
    transcoder = await media.transcoder(system_fonts=own)
    made = await media.encode(source, tmp_path / "job", transcoder=transcoder)
    assert 0 < solid(media.frame(made.output, 0.5)) < 0.7


async def test_characters_without_any_font_hold_the_file_before_it_is_encoded(
    media: Media, tmp_path
):
    source = await media.sample(silent(Line(0.5, 2.5, "Hi \U00013000\U00013001")))
    with pytest.raises(Held, match="no font has a shape") as held:
        await media.encode(source, tmp_path / "job")
    assert held.value.facts == {f"font {BLOCKS}": "\U00013000 (U+13000) \U00013001 (U+13001)"}
    assert not (tmp_path / "job" / "output.mp4").exists()


async def test_hostile_attachment_names_stay_inside_the_job_and_all_fonts_are_used(
    media: Media, tmp_path
):
    other = tmp_path / "other.ttf"
    other.write_bytes(media.blocks.read_bytes().replace(*_renamed("Izumi Blocks", "Other Blocks")))
    names = ["../evil.ttf", "/var/evil.ttf", "same.ttf", "same.ttf"]
    fonts = [media.blocks, media.blocks, other, media.blocks]
    source = await media.sample(
        silent(
            font="Other Blocks",
            attachments=tuple(attached(f, n) for f, n in zip(fonts, names, strict=True)),
        )
    )
    folder = tmp_path / "deep" / "job"
    made = await media.encode(source, folder)
    assert [item.name for item in made.probe.attachments] == names
    assert [item.file for item in made.probe.attachments] == [f"font_00{n}.ttf" for n in range(4)]
    assert not list(tmp_path.rglob("evil*"))
    assert solid(media.frame(made.output, 1.5)) > 0.9


async def test_a_font_inside_the_script_is_used(media: Media, tmp_path):
    text = script([Line(0.5, 2.5, "Hello")], width=320, height=180, font=BLOCKS)
    text = text.replace("\n[Events]", f"\n[Fonts]\n{uuencoded(media.blocks)}\n[Events]")
    source = await media.sample(silent(subtitles=(Subtitles(script=text),)))
    made = await media.encode(source, tmp_path / "job")
    assert [item.name for item in made.probe.attachments] == ["inside track 1"]
    assert solid(media.frame(made.output, 1.5)) > 0.9
    assert "substituted_fonts" not in made.recipe


def uuencoded(font: Path) -> str:
    """A font as SubStation Alpha writes it into scripts: six bits a character, from `!` on."""
    bits = "".join(f"{byte:08b}" for byte in font.read_bytes())
    text = "".join(
        chr(33 + int(bits[at : at + 6].ljust(6, "0"), 2)) for at in range(0, len(bits), 6)
    )
    lines = [text[at : at + 80] for at in range(0, len(text), 80)]
    return "\n".join([f"fontname: {font.name}", *lines, ""])


async def test_attachments_that_are_no_fonts_are_left_alone(media: Media, tmp_path):
    picture = tmp_path / "cover.ttf"
    picture.write_bytes(b"GIF89a" + bytes(5000))
    source = await media.sample(
        silent(attachments=(attached(picture, "font.ttf"), attached(media.blocks)))
    )
    made = await media.encode(source, tmp_path / "job")
    assert [file.name for file in (made.folder / "fonts").iterdir()] == ["font_001.ttf"]


async def test_no_style_of_the_script_is_overridden(media: Media, tmp_path):
    lines = (
        Line(0.5, 2.5, r"{\an7\pos(4,4)}blocks"),
        Line(0.5, 2.5, rf"{{\an9\pos(316,4)\fn{SHIPPED_FAMILY}}}letters"),
    )
    source = await media.sample(clip(*lines, attachments=(attached(media.blocks),), audio=()))
    made = await media.encode(source, tmp_path / "job")
    frame = media.frame(made.output, 1.5)
    halves = [
        Frame(160, 180, b"".join(_row(frame, y, part) for y in range(180))) for part in (0, 1)
    ]
    assert solid(halves[0]) > 0.9
    assert 0 < solid(halves[1]) < 0.7


def _row(frame: Frame, y: int, part: int) -> bytes:
    at = (y * frame.width + part * 160) * 3
    return frame.data[at : at + 160 * 3]


def _renamed(old: str, new: str) -> tuple[bytes, bytes]:
    return old.encode("utf-16-be"), new.encode("utf-16-be")
