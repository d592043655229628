"""What to do with a probed file: tracks, picture, sound, container, and what must come out.

Pure: everything is decided from facts, and the shell only carries it out. The command runs
in the job's folder and names nothing but files of our own, so that no string of a
stranger's is ever read as an option, a filter or a path.
"""

from typing import Any, Final

import msgspec

from izumi.domain import han, looks, picture, sound, track_kinds, tracks, video_codec
from izumi.domain.overrides import Override
from izumi.domain.probe import AudioStream, Probe, SubtitleStream, VideoStream
from izumi.domain.profile import Codec, Profile
from izumi.domain.sound import OutputSound
from izumi.domain.tracks import Question

SOURCE: Final = "source"
OUTPUT: Final = "output.mp4"

# Of a picture. The others lie up to a quarter off the first one's grid; at a half two meet.
_OUT_OF_STEP: Final = 0.2


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What the output must be; times are seconds from its start.

    Attributes:
        frames_min, frames_max: Pictures. They differ by those that a decoder may drop at
            the very beginning, and where one packet may be half a picture.
        video_last_s: When the last picture is shown.
        frame_s: Length of a picture.
        sound: The sound tracks.
    """

    frames_min: int
    frames_max: int
    video_last_s: float
    frame_s: float
    sound: tuple[OutputSound, ...]
    width: int
    height: int
    sar: tuple[int, int]
    codec: Codec = "h264"
    pixel_format: str = "yuv420p"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One encode.

    Attributes:
        filters: The graph of the picture, subtitles included; both ends unnamed.
        bare_filters: The same without subtitles, to prove that they are seen.
        encoder: ffmpeg's name of the picture's encoder.
        crf: Its quality, on the scale of the profile's codec.
        audio: The sound that was chosen; None: the file has none.
        sound: The sound tracks that come out.
        why: What was decided about the tracks, and the reasons.
        steady: The rate of the film does not vary.
        own_clock: The encoder counts time as the source does, not in pictures: else those
            between two ticks would meet at one of them.
        duration_s: Length of the film, for progress and limits.
        lead_s: Reading has to begin so long before a picture that is to be drawn as in the
            encode.
        recipe: What was decided, for the event and for people; JSON values.
    """

    profile: Profile
    audio: AudioStream | None
    subtitles: tuple[SubtitleStream, ...]
    filters: str
    bare_filters: str
    encoder: str
    crf: int
    sound: tuple[OutputSound, ...]
    why: tuple[str, ...]
    steady: bool
    own_clock: bool
    title: str
    duration_s: float
    lead_s: float
    expected: Expected
    recipe: dict[str, Any]


def make_plan(
    probe: Probe,
    profile: Profile,
    *,
    profile_name: str,
    title: str,
    show: str = "",
    override: Override | None = None,
) -> Plan:
    """Decide.

    Args:
        probe: Facts of the whole file, its packets walked.
        profile: What is wanted.
        profile_name: For the recipe.
        title: Of the output's metadata.
        show: Name of its folder, for the line that settles a hold.
        override: What a person decided for that show.

    Raises:
        Held: Something that a person has to decide, or that cannot be encoded rightly yet.
        ValueError: The file was not walked, or holds no film; `broken` tells that before.
    """
    film = probe.film
    if film is None or film.packets is None:
        msg = "a plan needs a film whose packets were walked"
        raise ValueError(msg)
    question = Question(show, override)
    heard = tracks.choose_audio(probe, profile, question)
    audio = heard.track
    burnt = tracks.choose_subtitles(probe, profile, audio, question)
    subtitles = burnt.tracks
    surround = tracks.choose_surround(probe, audio) if profile.surround else None
    sounds = sound.of(audio, surround, kbps=profile.audio_kbps, start_s=probe.start_s)
    plan = Plan(
        profile=profile,
        audio=audio,
        subtitles=subtitles,
        filters=picture.filters(film, subtitles, profile),
        bare_filters=picture.filters(film, (), profile),
        encoder=video_codec.software(profile),
        crf=profile.quality,
        sound=sounds,
        why=(
            f"subtitles: {burnt.why}",
            *(
                f"subtitles: not {track.beside}: {track.trouble}"
                for track in probe.subtitles
                if track.beside and track.trouble
            ),
            f"sound: {heard.why}",
            *picture.reasons(film, subtitles, profile),
        ),
        steady=film.packets.steady,
        own_clock=not (film.packets.steady and _in_step(film, probe.start_s)),
        title=title,
        duration_s=film.packets.end_s - min(probe.start_s, film.packets.first_s),
        lead_s=looks.lead_s(probe, subtitles),
        expected=_expected(probe, sounds, profile),
        recipe={},
    )
    return msgspec.structs.replace(plan, recipe=_recipe(plan, profile_name, probe))


def _expected(probe: Probe, sounds: tuple[OutputSound, ...], profile: Profile) -> Expected:
    film = probe.film
    assert film is not None  # noqa: S101 - narrows for mypy; make_plan has looked
    assert film.packets is not None  # noqa: S101 - as above
    least = film.packets.count - film.packets.leading
    width, height = picture.size(film, profile)
    span_s = film.packets.last_s - film.packets.first_s
    return Expected(
        # A field of an interlaced picture may come in a packet of its own.
        frames_min=least // 2 if film.interlaced else least,
        frames_max=film.packets.count,
        video_last_s=film.packets.last_s - probe.start_s,
        frame_s=film.rate[1] / film.rate[0]
        if film.rate[0]
        else span_s / max(film.packets.count - 1, 1),
        sound=sounds,
        width=width,
        height=height,
        sar=picture.shape(film),
        codec=profile.codec,
        pixel_format=video_codec.pixel_format(profile),
    )


def _in_step(film: VideoStream, start_s: float) -> bool:
    """Whether the first picture lies on the grid of the rate, counted from the film's start."""
    if film.packets is None or film.rate[0] <= 0:
        return False
    late = (film.packets.first_s - start_s) * film.rate[0] / film.rate[1]
    return abs(late - round(late)) <= _OUT_OF_STEP


def _recipe(plan: Plan, profile_name: str, probe: Probe) -> dict[str, Any]:
    sounds = [
        {
            "track": one.track.index,
            "what": track_kinds.describe(one.track),
            "copied": one.copied,
            "channels": one.channels,
        }
        for one in plan.sound
    ]
    return {
        "profile": profile_name,
        "settings": msgspec.json.decode(msgspec.json.encode(plan.profile)),
        "subtitles": [
            {"track": track.index, "what": track_kinds.describe(track)} for track in plan.subtitles
        ],
        "audio": sounds[0] if sounds else None,
        "surround": sounds[1] if len(sounds) > 1 else None,
        "why": list(plan.why),
        "video": {"encoder": plan.encoder, "crf": plan.crf},
        "filters": plan.filters,
        "han": han.wanted(plan.subtitles, plan.audio),
        "attached_fonts": sum(1 for attachment in probe.attachments if attachment.file),
        "variable_rate": not plan.steady,
    }


def explain(plan: Plan) -> list[str]:
    """The plan for people: what comes out, and the reason of each choice, a line each."""
    lines = [
        f"subtitles: track {track.index} ({track_kinds.describe(track)})"
        for track in plan.subtitles
    ] or ["subtitles: none"]
    for one in plan.sound:
        much = f"AAC-LC, {one.channels} channels, {one.kbps} kb/s"
        becomes = "taken as it is" if one.copied else f"becomes {much}"
        lines.append(
            f"sound: track {one.track.index} ({track_kinds.describe(one.track)}) {becomes}"
        )
    expected = plan.expected
    rate = "steady" if plan.steady else "varying, every picture at its own time"
    size = f"{expected.width}x{expected.height}, {expected.pixel_format}"
    attached, forms = plan.recipe["attached_fonts"], plan.recipe["han"]
    return [
        *lines,
        f"picture: {size}, {plan.encoder} at crf {plan.crf}",
        f"picture: {expected.frames_max} pictures, {rate}",
        *plan.why,
        f"fonts: {attached} came with the file; Han characters in the forms of {forms}",
        f"filters: {plan.filters}",
        "container: MP4, index first, with the chapters and no other texts of the source",
    ]


def argv(plan: Plan, *, max_pixels: int, threads: int, formats: str) -> list[str]:
    """Arguments of ffmpeg; it runs in a folder with `source`, `fonts/` and the scripts.

    Args:
        plan: What to do.
        max_pixels: Larger pictures are not decoded.
        threads: Of decoder, filters and encoder each; 0: as many as there are cores.
        formats: Demuxers that may open the source.
    """
    count = str(threads)
    return [
        *("-hide_banner", "-nostdin", "-y", "-v", "level+info", "-nostats"),
        *("-progress", "pipe:1", "-stats_period", "0.5"),
        # Damage ends the run at once, not after hours.
        *("-xerror", "-filter_threads", count),
        *video_codec.device_argv(plan.encoder),
        *input_argv(plan, max_pixels=max_pixels, threads=threads, formats=formats),
        *("-filter_complex", f"[0:V:0]{drawn(plan)}[film]", "-map", "[film]"),
        *(*sound.argv(plan.sound), "-dn", "-sn", *_video_argv(plan, threads)),
        # Without the file's own texts, but with its chapters' (a plain -1 drops these too).
        *("-map_chapters", "0", "-map_metadata:g", "-1", "-map_metadata:s", "-1"),
        *("-metadata", f"title={plan.title}"),
        *("-movflags", "+faststart", "-max_muxing_queue_size", "4096", "-f", "mp4"),
        OUTPUT,
    ]


def input_argv(plan: Plan, *, max_pixels: int, threads: int, formats: str) -> list[str]:
    """The source as an input: one of few formats, no other file, no host.

    Pictures get their canvas from the plan: ffmpeg would have to meet the first of them
    while it opens the file, else it takes the size of the film for it.
    """
    canvases = []
    for track in plan.subtitles:
        if not track.text and all(track.canvas):
            canvases += [f"-canvas_size:{track.index}", "{}x{}".format(*track.canvas)]
    return [
        *canvases,
        *("-protocol_whitelist", "file", "-format_whitelist", formats),
        *("-max_pixels", str(max_pixels), "-threads", str(threads)),
        *("-i", f"file:{SOURCE}"),
    ]


def drawn(plan: Plan) -> str:
    """The whole graph, in the form that the encoder takes."""
    return plan.filters + video_codec.upload(plan.profile, plan.encoder)


def _video_argv(plan: Plan, threads: int) -> list[str]:
    # Every picture once, at its own time.
    keys = looks.key_frames(plan.subtitles, plan.expected.video_last_s)
    base = ["-enc_time_base:v", "demux"] if plan.own_clock else []
    return [
        *video_codec.argv(plan.profile, plan.encoder, plan.crf, threads=threads),
        *("-fps_mode", "passthrough", *base, *keys),
    ]
