"""The filter graph of the picture: stored frames, made fit to draw on, drawn on, made 8 bit."""

from collections.abc import Sequence

from izumi.domain.errors import Held
from izumi.domain.probe import VideoStream

_HDR = frozenset({"smpte2084", "arib-std-b67"})
_TO_SDR = (
    "zscale=transfer=linear:npl=100,format=gbrpf32le,zscale=primaries=bt709,"
    "tonemap=tonemap=hable:desat=0,zscale=transfer=bt709:matrix=bt709:range=tv,format=yuv420p10le"
)


def filters(film: VideoStream, scripts: Sequence[str]) -> str:
    """The graph. Scripts and their fonts are named below the job's folder.

    Subtitles are drawn on the stored frame, before anything changes its size or depth, as
    their authors saw them. HDR is mapped to BT.709 before, since white text in PQ would
    glare; deinterlacing comes before, since text would be torn.

    Raises:
        Held: Dolby Vision without a picture that others can show.
    """
    if film.dolby_vision and film.transfer not in _HDR | {"bt709"}:
        raise Held(
            "the picture is Dolby Vision without a base layer that other players can show",
            {"video": f"{film.codec}, transfer {film.transfer or 'not said'}"},
        )
    chain = []
    if film.interlaced:
        chain.append("bwdif=mode=send_frame:parity=auto:deint=interlaced")
    chain += _tagged(film)
    if film.transfer in _HDR:
        chain.append(_TO_SDR)
    elif film.levels == "pc":
        chain.append("scale=in_range=pc:out_range=tv")
    chain += [f"ass=filename={script}:fontsdir=fonts" for script in scripts]
    if film.width % 2 or film.height % 2:
        chain.append("pad=width=ceil(iw/2)*2:height=ceil(ih/2)*2")
    chain.append("format=yuv420p")
    return ",".join(chain)


def _tagged(film: VideoStream) -> list[str]:
    """What an untagged picture is taken for.

    By its size, as players do; without a tag libass would take every picture for BT.601,
    and what maps HDR to SDR would not know where to begin.
    """
    if film.space:
        return []
    large = film.width >= 1280 or film.height > 576
    space = primaries = "bt709" if large else "bt470bg" if film.height == 576 else "smpte170m"
    # The two SD systems share one curve, under one name.
    transfer = "bt709" if large else "smpte170m"
    if film.transfer in _HDR:
        space, primaries = "bt2020nc", "bt2020"
    options = [
        f"colorspace={space}",
        *([] if film.primaries else [f"color_primaries={primaries}"]),
        *([] if film.transfer else [f"color_trc={transfer}"]),
    ]
    return [f"setparams={':'.join(options)}"]


def size(film: VideoStream) -> tuple[int, int]:
    """Width and height of what comes out, before the shape of the pixels."""
    width, height = film.width + film.width % 2, film.height + film.height % 2
    return (height, width) if film.rotation in {90, 270} else (width, height)


def shape(film: VideoStream) -> tuple[int, int]:
    """Shape of a stored pixel of what comes out."""
    return (film.sar[1], film.sar[0]) if film.rotation in {90, 270} else film.sar
