"""Samples made from nothing are what a fansub group would release."""

from pathlib import Path

import pytest

from izumi.domain.errors import ToolFailed
from izumi.media import samples
from izumi.media.probe import ChildProber
from izumi.media.settings import FfmpegSettings
from tests.support.media import Line, Media, white


async def test_a_sample_is_a_whole_episode_that_can_be_encoded(media: Media, tmp_path):
    release = "[Izumi] The Spring - 01 [360p].mkv"
    made = await samples.make_sample(
        tmp_path / "watch", release, signs_track=True, cjk=True, seconds=3.0, ffmpeg=media.ffmpeg
    )
    assert made == tmp_path / "watch" / release
    assert [path.name for path in made.parent.iterdir()] == [release], "nothing is left beside it"
    assert await ChildProber(FfmpegSettings()).prove_whole(made) is None
    job = await media.encode(made, tmp_path / "job")
    assert [track.title for track in job.probe.subtitles] == ["Full Subtitles", "Signs & Songs"]
    assert [track.index for track in job.plan.subtitles] == [2]
    assert [item.font for item in job.probe.attachments] == ["ttc"]
    assert "substituted_fonts" not in job.recipe
    frame = media.frame(job.output, 0.7)
    assert (frame.width, frame.height) == (640, 360)
    assert frame.count(white) > 300
    later = media.frame(job.output, 2.0)
    assert sum(a != b for a, b in zip(frame.data, later.data, strict=True)) > 50_000, "it moves"


async def test_lines_of_ones_own_are_shown_at_their_times(media: Media, tmp_path):
    made = await samples.make_sample(
        tmp_path, "x.mkv", lines=[Line(1.0, 2.0, "Only this")], seconds=2.5, height=240
    )
    probe = await ChildProber(FfmpegSettings()).probe(made, walk=True)
    (track,) = probe.subtitles
    assert track.spoken == 1
    assert track.moments[0] == 1.5
    assert probe.film is not None
    assert (probe.film.width, probe.film.height) == (426, 240)


async def test_a_sample_that_fails_leaves_nothing(tmp_path):
    broken = Path("/bin/false")
    with pytest.raises(ToolFailed, match="no sample was made"):
        await samples.make_sample(tmp_path, "x.mkv", ffmpeg=broken)
    assert list(tmp_path.iterdir()) == []
