"""Subtitles that are pictures: where their canvas belongs on a frame, and the filters."""

from typing import Final, NamedTuple

from izumi.domain.probe import SubtitleStream, VideoStream

# Shapes closer to each other than this are one shape: sizes are rounded to whole pixels.
_SAME_SHAPE: Final = 0.03
# What swscale calls the ways to make Y, U and V; any other is drawn as BT.709.
_MATRICES: Final = {
    "bt709": "bt709",
    "bt470bg": "bt601",
    "smpte170m": "bt601",
    "smpte240m": "smpte240m",
    "fcc": "fcc",
    "bt2020nc": "bt2020",
}


def laid_over(film: VideoStream, track: SubtitleStream, number: int, *, matrix: str) -> str:
    """Filters from `[film<number>]` on: the pictures of a track, scaled and laid over it.

    Args:
        film: With the size of the frame that is drawn on.
        track: Its pictures go when they end.
        number: Tells the labels of several tracks apart.
        matrix: How the film's Y, U and V are made, as ffmpeg calls it.
    """
    place = canvas(film, track)
    return (
        f"[0:{track.index}]scale={place.width}:{place.height}"
        f":out_color_matrix={_MATRICES.get(matrix, 'bt709')}:out_range=tv,"
        f"format=yuva444p[text{number}];"
        f"[film{number}][text{number}]overlay=x={place.x}:y={place.y}:format=auto"
        ":eof_action=pass:repeatlast=0"
    )


class Place(NamedTuple):
    """Where a canvas lies on the stored frame, in its pixels; parts of it may lie outside."""

    width: int
    height: int
    x: int
    y: int
    why: str


def canvas(film: VideoStream, track: SubtitleStream) -> Place:
    """Where the canvas that pictures were made for belongs on the stored frame.

    A canvas of the frame's own shape, or of its shape on the screen, covers it. Any other
    shape means that the film was cropped after the pictures were made: then the canvas
    covers the frame without being distorted, as before the crop; where text would lie
    outside, it is made to fit inside.
    """
    width, height = track.canvas
    if not width or not height:
        return Place(film.width, film.height, 0, 0, "the subtitles do not say their size")
    stored = film.width / film.height
    shown = stored * film.sar[0] / film.sar[1]
    if _alike(width / height, stored) or _alike(width / height, shown):
        return Place(film.width, film.height, 0, 0, "the subtitles have the shape of the picture")
    dvd = track.codec == "dvd_subtitle"
    # A DVD is shown as 4:3 or 16:9, whatever its pixels are.
    shape = min((4 / 3, 16 / 9), key=lambda s: abs(s - shown)) if dvd else width / height
    if _alike(shape, shown):
        return Place(film.width, film.height, 0, 0, "the subtitles cover a whole DVD picture")
    # How much larger than the frame it is across, when both are as high, in shown pixels.
    wider = shape / shown
    covering = _centred(film, max(wider, 1.0), max(1 / wider, 1.0), "the picture was cropped")
    left, top, right, bottom = (
        edge * size / whole + offset
        for edge, size, whole, offset in zip(
            track.area,
            (covering.width, covering.height) * 2,
            (width, height) * 2,
            (covering.x, covering.y) * 2,
            strict=True,
        )
    )
    if left >= 0 and top >= 0 and right <= film.width and bottom <= film.height:
        return covering
    why = "the picture was cropped, and the subtitles lie partly outside"
    return _centred(film, min(wider, 1.0), min(1 / wider, 1.0), why)


def _centred(film: VideoStream, across: float, down: float, why: str) -> Place:
    width, height = round(film.width * across), round(film.height * down)
    return Place(width, height, (film.width - width) // 2, (film.height - height) // 2, why)


def _alike(one: float, other: float) -> bool:
    return abs(one / other - 1) <= _SAME_SHAPE
