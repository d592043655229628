"""Reads what `ffmpeg -progress` prints."""

from typing import NamedTuple


class Step(NamedTuple):
    """How far a run is: seconds of film, pictures, pictures a second, times real time.

    `paused`: it is frozen where it is.
    """

    done_s: float
    frames: int
    fps: float
    speed: float
    paused: bool = False


class ProgressReader:
    """Takes the lines one by one; a block of them is a step."""

    def __init__(self) -> None:
        self._block: dict[str, str] = {}
        self.last = Step(0.0, 0, 0.0, 0.0)

    def feed(self, line: str) -> Step | None:
        """The step that this line completes, when it got further than the one before."""
        key, _, value = line.partition("=")
        self._block[key.strip()] = value.strip()
        if key.strip() != "progress":
            return None
        block, self._block = self._block, {}
        # "N/A" until the first picture came out.
        done_s = _number(block.get("out_time_us", "")) / 1e6
        frames = int(_number(block.get("frame", "")))
        speed = _number(block.get("speed", "").removesuffix("x"))
        fps = _number(block.get("fps", ""))
        if fps <= 0 and done_s > 0:
            # ffmpeg says 0.00 through its first second; both are means since it began.
            fps = round(frames * speed / done_s, 2)
        step = Step(done_s, frames, fps, speed)
        before, self.last = self.last, step
        return step if (step.frames, step.done_s) > (before.frames, before.done_s) else None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
