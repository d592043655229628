"""Where the canvas of pictures belongs on a frame."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.domain import overlay
from izumi.domain.probe import SubtitleStream, VideoStream


def film(width: int, height: int, sar: tuple[int, int] = (1, 1)) -> VideoStream:
    return VideoStream(
        index=0, codec="h264", width=width, height=height, pixel_format="yuv420p", sar=sar
    )


def pictures(
    canvas: tuple[int, int],
    area: tuple[int, int, int, int] = (0, 0, 0, 0),
    codec: str = "hdmv_pgs_subtitle",
) -> SubtitleStream:
    return SubtitleStream(index=2, codec=codec, text=False, canvas=canvas, area=area, events=5)


@pytest.mark.parametrize(
    ("frame", "track", "place"),
    [
        (film(1920, 1080), pictures((1920, 1080)), (1920, 1080, 0, 0)),
        (film(1280, 720), pictures((1920, 1080)), (1280, 720, 0, 0)),
        (film(1280, 718), pictures((1920, 1080)), (1280, 718, 0, 0)),
        (film(1280, 720), pictures((0, 0)), (1280, 720, 0, 0)),
        # Stored 4:3 or 16:9, the pictures have the pixels of the film.
        (film(720, 576, (64, 45)), pictures((720, 576), codec="dvd_subtitle"), (720, 576, 0, 0)),
        (film(720, 480, (32, 27)), pictures((1920, 1080)), (720, 480, 0, 0)),
        # A DVD made into square pixels.
        (film(1024, 576), pictures((720, 576), codec="dvd_subtitle"), (1024, 576, 0, 0)),
        (film(640, 480), pictures((720, 480), codec="dvd_subtitle"), (640, 480, 0, 0)),
        # Cropped: in its old place where the text was inside, else made to fit.
        (film(1440, 1080), pictures((1920, 1080), (500, 900, 1400, 1000)), (1920, 1080, -240, 0)),
        (film(1440, 1080), pictures((1920, 1080), (100, 900, 1400, 1000)), (1440, 810, 0, 135)),
        (film(1920, 800), pictures((1920, 1080), (500, 700, 1400, 900)), (1920, 1080, 0, -140)),
        (film(1920, 800), pictures((1920, 1080), (500, 900, 1400, 1050)), (1422, 800, 249, 0)),
    ],
)
def test_a_canvas_lies_where_it_was_made_for(frame, track, place):
    assert overlay.canvas(frame, track)[:4] == place


@given(
    st.tuples(st.integers(16, 4096), st.integers(16, 2304)),
    st.tuples(st.integers(16, 4096), st.integers(16, 2304)),
    st.sampled_from([(1, 1), (32, 27), (64, 45), (4, 3)]),
    st.data(),
)
def test_no_picture_is_ever_cut_off(size, canvas, sar, data):
    left = data.draw(st.integers(0, canvas[0] - 2))
    top = data.draw(st.integers(0, canvas[1] - 2))
    right = data.draw(st.integers(left + 1, canvas[0]))
    bottom = data.draw(st.integers(top + 1, canvas[1]))
    place = overlay.canvas(
        film(size[0], size[1], sar), pictures(canvas, (left, top, right, bottom))
    )
    across, down = place.width / canvas[0], place.height / canvas[1]
    assert left * across + place.x >= -1
    assert top * down + place.y >= -1
    assert right * across + place.x <= size[0] + 1
    assert bottom * down + place.y <= size[1] + 1


def test_pictures_are_blended_in_the_depth_of_the_film_and_go_when_they_end():
    laid = overlay.laid_over(film(1280, 720), pictures((1920, 1080)), 0, matrix="smpte170m")
    assert laid == (
        "[0:2]scale=1280:720:out_color_matrix=bt601:out_range=tv,format=yuva444p[text0];"
        "[film0][text0]overlay=x=0:y=0:format=auto:eof_action=pass:repeatlast=0"
    )
