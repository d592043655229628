"""What `izumi doctor` says of encoding profiles and fonts, with the real ffmpeg."""

import msgspec
import pytest

from izumi.commands import doctor
from izumi.media import binary
from izumi.settings import load

GROUP = '[storage.a]\nremote = "/srv/a"\n[encoder.main]\ndestinations = ["a"]\n'
HEVC = '[profile.hevc]\ncodec = "hevc"\nsuffix = " [HEVC]"\n'


@pytest.fixture
def said(tmp_path):
    """The findings for a configuration."""

    async def findings(text: str) -> list[tuple[str, str, str]]:
        (tmp_path / "izumi.toml").write_text(f'state = "state"\n{text}')
        settings = load(tmp_path / "izumi.toml", environ={})
        return [(one.level, one.topic, one.text) async for one in doctor._profiles(settings)]

    return findings


async def test_every_profile_encodes_a_frame_and_letters_of_every_script_are_drawn(said):
    found = await said(GROUP + HEVC + "vmaf = 95\n")
    assert [(level, topic) for level, topic, _ in found] == [
        ("ok", "profile.hardsub"),
        ("ok", "profile.hevc"),
        ("ok", "fonts"),
    ]
    assert "libx265 encodes a frame here, libvmaf is there" in found[1][2]


async def test_hardware_that_does_not_work_here_is_a_warning_with_the_reason(said):
    found = await said(HEVC + 'hardware = ["videotoolbox", "nvenc"]\n')
    assert found[0] == (
        "warn",
        "profile.hevc",
        "hevc_videotoolbox is not used here: this ffmpeg was built without it",
    )
    assert found[1][0] in {"ok", "warn"}, "a host may have the card"
    assert "hevc_nvenc" in found[1][2]
    assert "damaged" not in found[1][2]


async def test_what_this_ffmpeg_lacks_is_a_failure(said, monkeypatch):
    examine = binary.examine

    async def poorer(path):
        found = await examine(path)
        return msgspec.structs.replace(found, encoders=found.encoders - {"libx265"}, vmaf=False)

    monkeypatch.setattr(binary, "examine", poorer)
    level, topic, text = (await said(HEVC + "vmaf = 95\n"))[0]
    assert (level, topic) == ("fail", "profile.hevc")
    assert "needs libx265 and libvmaf" in text


async def test_letters_without_a_font_are_a_failure(said, monkeypatch):
    monkeypatch.setattr(doctor, "_LETTERS", "A\U0010fffd")
    assert (await said(GROUP))[-1] == ("fail", "fonts", "no font has a shape for \U0010fffd")


async def test_a_host_that_encodes_nothing_needs_nothing(said):
    assert await said('[storage.a]\nremote = "/srv/a"\n') == []
