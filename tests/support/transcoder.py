"""A `Transcoder` without ffmpeg: the words in the source say how the work goes."""

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from izumi.domain.encode_plan import OUTPUT, SOURCE, Plan
from izumi.domain.errors import Held
from izumi.domain.pace import Pace
from izumi.domain.probe import AudioStream, Packets, Probe, SubtitleStream, VideoStream
from izumi.domain.sidecars import Sidecar, own_name
from izumi.media.ports import OnEncoded

_PACKETS = Packets(count=240, first_s=0.0, last_s=9.96, end_s=10.0)


class FakeTranscoder:
    """A source that holds "damaged", "tofu", "short" or "textless" fails in that step.

    Every output is another one, as those of two encodes may be.

    Attributes:
        encodes: How many there were.
        beside: Subtitle files beside the source, by their names there.
    """

    def __init__(self) -> None:
        self.encodes = 0
        self.beside: dict[str, bytes] = {}

    async def examine(self, folder: Path, beside: Sequence[Sidecar] = ()) -> Probe:
        self.beside = {
            own.name: (folder / own_name(n, own)).read_bytes() for n, own in enumerate(beside)
        }
        data = (folder / SOURCE).read_bytes()
        if b"damaged" in data:
            raise Held("the source is not whole: it is damaged")
        film = VideoStream(
            index=0, codec="h264", width=1920, height=1080, pixel_format="yuv420p",
            rate=(24, 1), packets=_PACKETS,
        )  # fmt: skip
        sound = AudioStream(
            index=1, codec="aac", profile="LC", language="jpn", channels=2, sample_rate=48000,
            packets=_PACKETS,
        )  # fmt: skip
        lines = SubtitleStream(
            index=2, codec="ass", language="eng", text=True, file="track_2.ass", events=100,
            spoken=100, spoken_s=5.0, moments=(5.0,),
        )  # fmt: skip
        subtitles = () if b"raw" in data else (lines,)
        return Probe(
            container="matroska,webm", size=len(data), duration_s=10.0,
            video=(film,), audio=(sound,), subtitles=subtitles,
        )  # fmt: skip

    async def preflight(self, plan: Plan, probe: Probe, folder: Path) -> dict[str, Any]:
        if b"tofu" in (folder / SOURCE).read_bytes():
            raise Held("no font has a shape for characters of the subtitles")
        return {}

    async def settle(self, plan: Plan, folder: Path, progress: OnEncoded) -> Plan:
        progress(1.0, "")
        return plan

    async def encode(self, plan: Plan, folder: Path, progress: OnEncoded) -> dict[str, Any]:
        self.encodes += 1
        source = (folder / SOURCE).read_bytes()
        if b"short" in source:
            raise Held("the source is damaged: File ended prematurely")
        progress(0.5, "24.0 pictures/s", Pace(24.0, 1.0, 5.0))
        (folder / OUTPUT).write_bytes(b"hardsub " + uuid.uuid4().bytes + source)
        progress(1.0, "24.0 pictures/s")
        return {"ffmpeg": "fake"}

    async def prove(self, plan: Plan, folder: Path, progress: OnEncoded) -> dict[str, Any]:
        output = (folder / OUTPUT).read_bytes()
        if not output.startswith(b"hardsub ") or b"textless" in output:
            raise Held("the subtitles are not seen in the output")
        progress(1.0, "")
        return {"seen": [{"track": 2, "at_s": 5.0, "pixels": 100}]}
