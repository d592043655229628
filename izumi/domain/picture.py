"""The filter graph of the picture: stored frames, made fit to draw on, drawn on, made 8 bit."""

from collections.abc import Sequence

import msgspec

from izumi.domain import overlay, video_codec
from izumi.domain.errors import Held
from izumi.domain.probe import SubtitleStream, VideoStream
from izumi.domain.profile import Profile

_HDR = frozenset({"smpte2084", "arib-std-b67"})
_RGB = "gbr"
_TO_SDR = (
    "zscale=transfer=linear:npl=100,format=gbrpf32le,zscale=primaries=bt709,"
    "tonemap=tonemap=hable:desat=0,zscale=transfer=bt709:matrix=bt709:range=tv,format=yuv420p10le"
)


def filters(film: VideoStream, subtitles: Sequence[SubtitleStream], profile: Profile) -> str:
    """The graph, from the stored picture to the encoder; its two ends are unnamed.

    Subtitles are drawn on the stored frame, before anything changes its size or depth, as
    their authors saw them; where a profile wants text drawn on the smaller picture, it is
    told the size that it was made for. HDR is mapped to BT.709 before, since white text in
    PQ would glare; deinterlacing comes before, since text would be torn. Scripts and their
    fonts are named below the job's folder.

    Raises:
        Held: Dolby Vision without a picture that others can show, or fields that no decoder
            puts together.
    """
    hidden = film.dolby_vision and film.transfer not in _HDR | {"bt709"}
    if film.dolby_only or hidden:
        raise Held(
            "the picture is Dolby Vision without a base layer that other players can show",
            {"video": f"{film.codec}, transfer {film.transfer or 'not said'}"},
        )
    if film.codec == "hevc" and film.interlaced:
        # The decoder gives each field as a picture of its own, half as high.
        raise Held(
            "the picture is HEVC whose fields are coded one by one, and nothing puts them together",
            {"video": f"{film.width}x{film.height}, {film.rate[0] / film.rate[1]:.3f} a second"},
        )
    chain = _made_fit(film)
    film = _upright(film)
    smaller = _smaller(film, profile)
    # Pictures are laid over the stored frame: they are as large as they were made.
    early = profile.scale == "before" and all(track.text for track in subtitles)
    made_for = f":original_size={film.width}x{film.height}" if smaller and early else ""
    chain += smaller if early else []
    for number, track in enumerate(subtitles):
        if track.text:
            chain.append(f"ass=filename={track.file}:fontsdir=fonts{made_for}")
        else:
            drawn_on = ",".join(chain) or "null"
            matrix = "bt709" if film.transfer in _HDR else _space(film)
            laid = overlay.laid_over(film, track, number, matrix=matrix)
            chain = [f"{drawn_on}[film{number}];{laid}"]
    chain += [] if early else smaller
    if not smaller and (film.width % 2 or film.height % 2):
        chain.append("pad=width=ceil(iw/2)*2:height=ceil(ih/2)*2")
    chain.append(f"format={video_codec.pixel_format(profile)}")
    return ",".join(chain)


def reasons(
    film: VideoStream, subtitles: Sequence[SubtitleStream], profile: Profile
) -> tuple[str, ...]:
    """What `filters` does, and why, as sentences."""
    found = []
    if film.interlaced:
        found.append("interlaced: made whole before text is drawn, which would be torn")
    if not film.space:
        found.append(f"its colours do not say what they are: taken for {_space(film)}, by its size")
    if film.space == _RGB:
        found.append("RGB: made BT.709 before text is drawn")
    elif film.transfer in _HDR:
        found.append(f"HDR ({film.transfer}): mapped to BT.709 before text is drawn")
    elif film.levels == "pc":
        found.append("full range: made limited, as players expect")
    upright = _upright(film)
    for track in subtitles:
        if track.text:
            found.append(f"track {track.index} is drawn by libass, no style of it is changed")
        else:
            place = overlay.canvas(upright, track)
            canvas = "{}x{}".format(*track.canvas)
            found.append(
                f"track {track.index} is laid over it, its canvas of {canvas} as"
                f" {place.width}x{place.height} at {place.x},{place.y}: {place.why}"
            )
    width, height = size(film, profile)
    if (width, height) != (upright.width, upright.height):
        found.append(f"{upright.width}x{upright.height} becomes {width}x{height}")
    if film.pixel_format != video_codec.pixel_format(profile):
        found.append(f"{film.pixel_format} becomes {video_codec.pixel_format(profile)} at the end")
    return tuple(f"picture: {text}" for text in found)


def _made_fit(film: VideoStream) -> list[str]:
    chain = []
    if film.interlaced:
        chain.append("bwdif=mode=send_frame:parity=auto:deint=interlaced")
    if film.space == _RGB:
        # Drawn on in the matrix that it is encoded in.
        deep = "10le" if any(depth in film.pixel_format for depth in ("10", "12", "14")) else ""
        chain.append(f"scale=out_color_matrix=bt709:out_range=tv,format=yuv444p{deep}")
        chain.append("setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=tv")
        return chain
    chain += _tagged(film)
    if film.transfer in _HDR:
        chain.append(_TO_SDR)
    elif film.levels == "pc":
        chain.append("scale=in_range=pc:out_range=tv")
    return chain


def _upright(film: VideoStream) -> VideoStream:
    """The frame as it comes to the filters: turned already, where a player would turn it."""
    if film.rotation not in {90, 270}:
        return film
    return msgspec.structs.replace(
        film, width=film.height, height=film.width, sar=(film.sar[1], film.sar[0]), rotation=0
    )


def _space(film: VideoStream) -> str:
    """How its Y, U and V are made: what it says, else by its size, as players do."""
    if film.space:
        return "bt709" if film.space == _RGB else film.space
    if film.transfer in _HDR:
        return "bt2020nc"
    large = film.width >= 1280 or film.height > 576
    return "bt709" if large else "bt470bg" if film.height == 576 else "smpte170m"


def _tagged(film: VideoStream) -> list[str]:
    """What an untagged picture is taken for.

    Without a tag libass would take every picture for BT.601, and what maps HDR to SDR
    would not know where to begin.
    """
    if film.space:
        return []
    space = _space(film)
    primaries = "bt2020" if film.transfer in _HDR else space
    # The two SD systems share one curve, under one name.
    transfer = "bt709" if space == "bt709" else "smpte170m"
    options = [
        f"colorspace={space}",
        *([] if film.primaries else [f"color_primaries={primaries}"]),
        *([] if film.transfer else [f"color_trc={transfer}"]),
    ]
    return [f"setparams={':'.join(options)}"]


def size(film: VideoStream, profile: Profile) -> tuple[int, int]:
    """Width and height of what comes out, before the shape of the pixels."""
    film = _upright(film)
    if profile.max_height is not None and film.height > profile.max_height:
        smaller = profile.max_height // 2 * 2
        return max(round(film.width * smaller / film.height / 2) * 2, 2), smaller
    return film.width + film.width % 2, film.height + film.height % 2


def _smaller(film: VideoStream, profile: Profile) -> list[str]:
    """What meets the height limit, of the same shape; an upright film."""
    if profile.max_height is None or film.height <= profile.max_height:
        return []
    width, height = size(film, profile)
    return [f"scale={width}:{height}:flags=lanczos,setsar={film.sar[0]}/{film.sar[1]}"]


def shape(film: VideoStream) -> tuple[int, int]:
    """Shape of a stored pixel of what comes out."""
    return _upright(film).sar
