"""Whether an output is what was planned. Exit code 0 is never proof."""

from typing import Final, NamedTuple

from izumi.domain.encode_plan import Expected
from izumi.domain.probe import Probe, broken

# High, and what the fastest presets make of it. Not "High 10": few players take that.
_PROFILES: Final = {
    "h264": frozenset({"High", "Main", "Constrained Baseline"}),
    "hevc": frozenset({"Main", "Main 10"}),
    "av1": frozenset({"Main"}),
}
# Difference in brightness, of 255, from which a pixel counts as text.
_TEXT_CONTRAST: Final = 32
# Pixels of text, on the frame made small, below which there is nothing to judge by.
_FEWEST_PIXELS: Final = 24
# One AAC frame, and the priming that a player leaves out.
_AUDIO_SLACK_S: Final = 0.15


def faults(expected: Expected, output: Probe) -> list[str]:
    """Everything that is not as planned, as sentences; empty: it is right."""
    film = output.film
    if film is None or film.packets is None:
        return ["the output holds no picture"]
    packets = film.packets
    found = []
    if (why := broken(output)) is not None:
        found.append(f"the output is not whole: {why}")
    if not expected.frames_min <= packets.count <= expected.frames_max:
        found.append(
            f"{packets.count} pictures came out of {expected.frames_min} to {expected.frames_max}"
        )
    last_s = packets.last_s - output.start_s
    if abs(last_s - expected.video_last_s) > expected.frame_s * 1.5 + 0.01:
        found.append(f"the last picture is at {last_s:.3f} s, not {expected.video_last_s:.3f} s")
    if (film.width, film.height) != (expected.width, expected.height):
        found.append(
            f"the picture is {film.width}x{film.height}, not {expected.width}x{expected.height}"
        )
    if film.sar[0] * expected.sar[1] != film.sar[1] * expected.sar[0]:
        found.append(f"a pixel is {film.sar}, not {expected.sar}")
    wanted = (expected.codec, expected.pixel_format)
    if (film.codec, film.pixel_format) != wanted or film.profile not in _PROFILES[film.codec]:
        found.append(f"the picture is {film.codec} {film.profile} {film.pixel_format}")
    return found + _audio_faults(expected, output)


def _audio_faults(expected: Expected, output: Probe) -> list[str]:
    planned = expected.sound
    if len(output.audio) != len(planned):
        return [f"{len(output.audio)} sound tracks came out, not {len(planned)}"]
    found = []
    for number, (one, audio) in enumerate(zip(planned, output.audio, strict=True), 1):
        if audio.packets is None:
            found.append(f"sound track {number} is empty")
            continue
        end_s = audio.packets.end_s - output.start_s
        if one.end_s is not None and abs(end_s - one.end_s) > _AUDIO_SLACK_S:
            found.append(f"sound track {number} ends at {end_s:.3f} s, not {one.end_s:.3f} s")
        if audio.codec != "aac" or audio.channels > one.channels:
            what = f"{audio.codec} with {audio.channels} channels"
            found.append(f"sound track {number} is {what}")
    return found


class Seen(NamedTuple):
    """What three small grey frames of one moment tell.

    `pixels` is how many of them the text covers; `burnt` whether the output has it there;
    None: no text to judge by.
    """

    pixels: int
    burnt: bool | None


def compare(with_text: bytes, without: bytes, output: bytes) -> Seen:
    """Compare the output with the source, once with subtitles drawn on and once without.

    Only pixels that the text changes are looked at, so that neither encoding noise nor a
    moving picture decides.

    Raises:
        ValueError: The frames are not of one size.
    """
    pixels = near = far = 0
    for drawn, bare, got in zip(with_text, without, output, strict=True):
        if abs(drawn - bare) >= _TEXT_CONTRAST:
            pixels += 1
            near += abs(got - drawn)
            far += abs(got - bare)
    if pixels < _FEWEST_PIXELS:
        return Seen(pixels, None)
    return Seen(pixels, near * 2 < far)
