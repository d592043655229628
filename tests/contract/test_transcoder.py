"""What every `Transcoder` promises, on the fake one and on ffmpeg."""

import os

import msgspec
import pytest

from izumi.domain import encode_plan
from izumi.domain.encode_plan import OUTPUT, SOURCE, Plan
from izumi.domain.errors import Held
from izumi.domain.pace import Pace
from izumi.media.ports import Transcoder
from tests.support.media import FAST, Media, attached, clip, ignore
from tests.support.transcoder import FakeTranscoder


@pytest.fixture(params=["fake", "ffmpeg"])
async def made(request, media: Media, tmp_path) -> tuple[Transcoder, bytes]:
    """One of them, and a source that it likes."""
    if request.param == "fake":
        return FakeTranscoder(), b"an episode"
    source = await media.sample(clip(attachments=(attached(media.blocks),)))
    return await media.transcoder(), source.read_bytes()


async def planned(transcoder: Transcoder, folder) -> Plan:
    probe = await transcoder.examine(folder)
    plan = encode_plan.make_plan(probe, FAST, profile_name="hardsub", title="A title")
    assert await transcoder.preflight(plan, probe, folder) == {}
    return plan


async def test_the_steps_make_an_output_and_tell_how_far_they_are(made, tmp_path):
    transcoder, source = made
    (tmp_path / SOURCE).write_bytes(source)
    plan = await planned(transcoder, tmp_path)
    told: list[float] = []
    paces: list[Pace] = []

    def tell(fraction: float, _detail: str, pace: Pace | None = None, /) -> None:
        told.append(fraction)
        paces.extend([pace] if pace else [])

    recipe = await transcoder.encode(plan, tmp_path, tell)
    recipe |= await transcoder.prove(plan, tmp_path, tell)
    assert (tmp_path / OUTPUT).stat().st_size > 0
    assert told
    assert all(0 <= fraction <= 1 for fraction in told)
    assert paces
    assert all(pace.fps >= 0 and pace.speed >= 0 and (pace.eta_s or 0) >= 0 for pace in paces)
    assert recipe["ffmpeg"]
    assert msgspec.json.decode(msgspec.json.encode(recipe)) == recipe
    assert (tmp_path / SOURCE).read_bytes() == source


async def test_a_damaged_source_is_held(made, tmp_path):
    transcoder, source = made
    (tmp_path / SOURCE).write_bytes(source[: len(source) // 2] + b"damaged")
    with pytest.raises(Held, match="not whole"):
        await transcoder.examine(tmp_path)


async def test_an_output_that_was_changed_fails_its_proof(made, tmp_path):
    transcoder, source = made
    (tmp_path / SOURCE).write_bytes(source)
    plan = await planned(transcoder, tmp_path)
    await transcoder.encode(plan, tmp_path, ignore)
    os.truncate(tmp_path / OUTPUT, 5)
    with pytest.raises(Held):
        await transcoder.prove(plan, tmp_path, ignore)
