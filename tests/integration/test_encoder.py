"""The encoder's handler: what is published, and what a second attempt makes of the first."""

import asyncio
import contextlib
import dataclasses
import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from izumi.consumers.encoder_output import hardsub_key
from izumi.consumers.encoder_settings import EncoderSettings
from izumi.domain import events, sidecars
from izumi.domain.errors import BadKey, Fenced, Held, NoSpace, Rejected, StorageUnavailable
from izumi.domain.events import Encoded, File
from izumi.domain.overrides import Override
from izumi.domain.pace import Pace
from izumi.domain.profile import Profile
from tests.support.encoder_bench import AT, KEY, OUTPUT_KEY, PLACES, Bench
from tests.support.job import FakeJob
from tests.support.media import FAST, Media, attached, clip, white


@pytest.fixture
def bench(tmp_path) -> Bench:
    return Bench(tmp_path)


async def test_a_softsub_becomes_a_hardsub_at_every_destination(bench):
    job = bench.job()
    fact = await bench.encode(job)
    assert bench.lies("out") == bench.lies("spare") is not None
    assert fact.file.sha256 == hashlib.sha256(bench.lies("out")).hexdigest()
    assert fact.file.size == len(bench.lies("out"))
    assert (fact.file.key, fact.file.sub) == (OUTPUT_KEY, "hardsub")
    assert fact.origin == bench.fact.file
    assert fact.sources == ("out", "spare")
    assert (fact.profile, fact.host, fact.at) == ("hardsub", "here", AT)
    assert fact.recipe["ffmpeg"] == "fake"
    assert fact.recipe["seen"]


async def test_the_nearest_source_that_has_the_file_is_taken(bench):
    await bench.encode(bench.job())
    asked = [call for call in bench.store.calls if call[1] in {"near", "far"}]
    assert asked[:3] == [("stat", "near"), ("stat", "far"), ("get", "far")]
    assert ("has", "far") not in asked  # it would be read twice


async def test_a_source_that_is_down_is_passed_over(bench):
    bench.store.down.add("near")
    assert await bench.encode(bench.job())


@pytest.mark.parametrize("size", [0, 1])
async def test_a_source_that_holds_another_content_is_passed_over(bench, size):
    wrong = bench.store.path(bench.fact.file, PLACES["near"])
    wrong.parent.mkdir(parents=True, exist_ok=True)
    wrong.write_bytes(bytes(bench.fact.file.size - size))
    assert await bench.encode(bench.job())


async def test_a_file_that_is_nowhere_yet_is_tried_again_and_says_where_it_was_sought(bench):
    bench.store.path(bench.fact.file, PLACES["far"]).unlink()
    bench.store.down.add("near")
    with pytest.raises(StorageUnavailable, match="near: near does not answer; far: not there"):
        await bench.encode(bench.job())


async def test_sources_of_the_group_come_before_those_of_the_event(tmp_path):
    bench = Bench(tmp_path, sources=("elsewhere", "far"))
    await bench.encode(bench.job())
    assert ("stat", "near") not in bench.store.calls


async def test_scratch_space_is_set_aside_before_anything_is_downloaded(bench):
    job = bench.job()
    job.room_bytes = 3 * bench.fact.file.size - 1
    with pytest.raises(NoSpace):
        await bench.encode(job)
    assert ("get", "far") not in bench.store.calls


async def test_progress_is_told_in_every_step(bench):
    job = bench.job()
    await bench.encode(job)
    steps = list(dict.fromkeys(step for step, _, _ in job.reports))
    assert steps == ["downloading", "examining", "choosing", "encoding", "proving", "uploading"]
    assert ("encoding", 0.5, "24.0 pictures/s") in job.reports
    assert Pace(24.0, 1.0, 5.0) in job.paces


@pytest.mark.parametrize("word", [b"damaged", b"tofu", b"short", b"textless", b"raw"])
async def test_nothing_is_recorded_or_uploaded_of_a_file_that_is_held(tmp_path, word):
    bench = Bench(tmp_path, b"an episode, " + word)
    job = bench.job()
    with pytest.raises(Held):
        await bench.encode(job)
    assert bench.lies("out") is None
    assert bench.lies("spare") is None
    assert job.saves == []


@pytest.mark.parametrize("sub", ["hardsub", "none"])
async def test_only_softsubs_are_encoded(bench, sub):
    file = msgspec.structs.replace(bench.fact.file, sub=sub)
    bench.fact = msgspec.structs.replace(bench.fact, file=file)
    with pytest.raises(Rejected, match=sub):
        await bench.encode(bench.job())


async def test_the_output_is_recorded_before_it_can_be_seen(bench):
    job = bench.job()
    job.failures.append(Fenced("not ours"))
    with pytest.raises(Fenced):
        await bench.encode(job)
    assert bench.lies("out") is None


async def test_an_instance_that_lost_the_job_uploads_nothing(bench):
    job = bench.job()
    real_save = job.save

    async def save(checkpoint, facts=()):
        await real_save(checkpoint, facts)
        job.fenced = True

    job.save = save
    with pytest.raises(Fenced):
        await bench.encode(job)
    assert bench.lies("out") is None


async def test_a_later_attempt_takes_what_lies_there_already(bench):
    first = bench.job()
    fact = await bench.encode(first)
    later = await bench.encode(bench.again(first))
    assert later.file == fact.file
    assert later.recipe == fact.recipe
    assert bench.media.encodes == 1


async def test_a_later_attempt_completes_a_set_that_was_partly_uploaded(bench):
    bench.store.down.add("spare")
    first = bench.job()
    with pytest.raises(StorageUnavailable):
        await bench.encode(first)
    before = bench.lies("out")
    assert before is not None
    bench.store.down.clear()
    fact = await bench.encode(bench.again(first))
    assert bench.lies("spare") == before == bench.lies("out")
    assert fact.file.sha256 == hashlib.sha256(before).hexdigest()
    assert bench.media.encodes == 1


async def test_a_destination_that_stays_away_is_waited_for_as_long_as_the_group_allows(tmp_path):
    bench = Bench(tmp_path, upload_patience_s=45.0)
    bench.store.down.add("spare")
    with pytest.raises(StorageUnavailable):
        await bench.encode(bench.job())
    assert bench.slept == [15.0, 15.0, 15.0]


async def test_nothing_is_encoded_while_the_first_destination_is_away(bench):
    bench.store.down.add("out")
    with pytest.raises(StorageUnavailable):
        await bench.encode(bench.job())
    assert bench.media.encodes == 0


async def test_a_strangers_file_under_the_name_is_never_touched_and_costs_no_encode(bench):
    path = bench.store.path(
        File(key=OUTPUT_KEY, size=0, sha256=None, sub="hardsub"), PLACES["spare"]
    )
    path.parent.mkdir(parents=True)
    path.write_bytes(b"somebody's own")
    with pytest.raises(Held, match="lies at spare already"):
        await bench.encode(bench.job())
    assert bench.media.encodes == 0
    assert bench.lies("spare") == b"somebody's own"


async def test_a_zombie_that_finishes_its_upload_first_decides_and_nothing_differs(bench):
    """Frozen in the middle of its upload, taken for dead, woken up too late."""
    zombie = bench.job("zombie")
    bench.store.gate = asyncio.Event()
    frozen = asyncio.create_task(bench.encode(zombie))
    await bench.store.waiting.wait()
    gate, bench.store.gate = bench.store.gate, None
    heir = bench.again(zombie)
    zombie.fenced = True

    async def wake(_checkpoint, _facts=()):
        # The heir has looked, found nothing and encoded; now the zombie goes on.
        await real_save(_checkpoint, _facts)
        gate.set()
        with pytest.raises(Fenced):
            await frozen

    real_save, heir.save = heir.save, wake
    fact = await bench.encode(heir)
    assert bench.media.encodes == 2
    assert bench.lies("out") == bench.lies("spare")
    assert fact.file.sha256 == hashlib.sha256(bench.lies("out")).hexdigest()


async def test_a_zombie_that_comes_too_late_changes_nothing(bench):
    zombie = bench.job("zombie")
    bench.store.gate = asyncio.Event()
    frozen = asyncio.create_task(bench.encode(zombie))
    await bench.store.waiting.wait()
    gate, bench.store.gate = bench.store.gate, None
    fact = await bench.encode(bench.again(zombie))
    zombie.fenced = True
    gate.set()
    with pytest.raises((Held, Fenced)):
        await frozen
    assert fact.file.sha256 == hashlib.sha256(bench.lies("out")).hexdigest()
    assert bench.lies("out") == bench.lies("spare")


class Stop(Exception):
    """The instance ends here."""


def stopping_at(bench: Bench, step: str) -> None:
    """The work ends in that step, once, as when the instance is stopped."""
    real = getattr(bench.media, step)

    async def stop(*args):
        setattr(bench.media, step, real)
        raise Stop

    setattr(bench.media, step, stop)


async def test_what_was_downloaded_is_not_fetched_again_on_the_same_host(tmp_path):
    bench = Bench(tmp_path, keep=True)
    stopping_at(bench, "encode")
    first = bench.job()
    with pytest.raises(Stop):
        await bench.encode(first)
    later = bench.again(first)
    bench.store.calls.clear()
    await bench.encode(later)
    assert ("downloading", 1.0, "kept from an earlier attempt") in later.reports
    assert ("get", "far") not in bench.store.calls


async def test_what_was_downloaded_and_then_spoilt_is_fetched_again(tmp_path):
    bench = Bench(tmp_path, keep=True)
    stopping_at(bench, "encode")
    first = bench.job()
    with pytest.raises(Stop):
        await bench.encode(first)
    (kept,) = (tmp_path / ".kept").iterdir()
    kept.write_bytes(b"an episodf")
    bench.store.calls.clear()
    await bench.encode(bench.again(first))
    assert ("get", "far") in bench.store.calls


async def test_what_was_proved_is_not_encoded_again_on_the_same_host(tmp_path, monkeypatch):
    bench = Bench(tmp_path, keep=True, upload_patience_s=0)
    first = bench.job()

    async def away(*_args, **_options):
        monkeypatch.undo()
        raise StorageUnavailable("away")

    monkeypatch.setattr(bench.store, "put", away)
    with pytest.raises(StorageUnavailable):
        await bench.encode(first)
    fact = await bench.encode(bench.again(first))
    assert bench.media.encodes == 1
    lies = bench.lies("out")
    assert lies is not None
    assert fact.file.sha256 == hashlib.sha256(lies).hexdigest()


@pytest.mark.parametrize("source", [b"an episode", b"an episode, short"])
async def test_nothing_is_kept_of_a_job_that_is_settled(tmp_path, source):
    bench = Bench(tmp_path, source, keep=True)
    with contextlib.suppress(Held):
        await bench.encode(bench.job())
    assert not list((tmp_path / ".kept").iterdir())


@pytest.mark.parametrize("lost", [True, False])
async def test_what_was_fetched_is_kept_when_a_job_is_given_back_and_not_when_it_is_lost(
    tmp_path, monkeypatch, lost
):
    bench = Bench(tmp_path, keep=True)
    began = asyncio.Event()

    async def encode(*_args):
        began.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(bench.media, "encode", encode)
    job = bench.job()
    working = asyncio.create_task(bench.encode(job))
    await began.wait()
    job.fenced = lost
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert bool(list((tmp_path / ".kept").iterdir())) is not lost


async def test_kept_files_make_room_before_a_job_is_given_up_for_lack_of_it(tmp_path, monkeypatch):
    bench = Bench(tmp_path, keep=True)
    stopping_at(bench, "encode")
    first = bench.job()
    with pytest.raises(Stop):
        await bench.encode(first)
    job = bench.job("another")
    real = job.reserve

    async def reserve(size_bytes: int) -> None:
        if list((tmp_path / ".kept").iterdir()):
            raise NoSpace("full")
        await real(size_bytes)

    monkeypatch.setattr(job, "reserve", reserve)
    await bench.encode(job)
    assert bench.lies("out") is not None


TWO = {
    "hardsub": Profile(),
    "hevc": Profile(codec="hevc", suffix=" [HEVC]"),
}


async def test_a_file_is_encoded_with_every_profile_of_its_group(tmp_path):
    bench = Bench(tmp_path, profiles=tuple(TWO))
    bench.encoder = dataclasses.replace(bench.encoder, profiles=TWO)
    job = bench.job()
    (last,) = await bench.encoder(bench.fact, job)
    (first,) = job.facts
    assert isinstance(first, Encoded)
    assert isinstance(last, Encoded)
    assert [first.profile, last.profile] == ["hardsub", "hevc"]
    assert first.file.key == OUTPUT_KEY
    assert last.file.key == OUTPUT_KEY.replace(".mp4", " [HEVC].mp4")
    assert first.file.id != last.file.id
    assert bench.store.calls.count(("get", "far")) == 1
    for fact in (first, last):
        lies = bench.store.path(fact.file, PLACES["spare"]).read_bytes()
        assert hashlib.sha256(lies).hexdigest() == fact.file.sha256


async def test_a_profile_that_was_told_is_not_done_again(tmp_path, monkeypatch):
    bench = Bench(tmp_path, profiles=tuple(TWO))
    bench.encoder = dataclasses.replace(bench.encoder, profiles=TWO)
    first = bench.job()
    real = bench.media.encode

    async def encode(plan, folder, progress):
        if plan.profile.codec == "hevc":
            raise Stop
        return await real(plan, folder, progress)

    monkeypatch.setattr(bench.media, "encode", encode)
    with pytest.raises(Stop):
        await bench.encoder(bench.fact, first)
    monkeypatch.undo()
    later = bench.again(first)
    (last,) = await bench.encoder(bench.fact, later)
    assert isinstance(last, Encoded)
    assert last.profile == "hevc"
    assert later.facts == []
    assert bench.media.encodes == 2


RUN = """
import asyncio, sys
from pathlib import Path
from tests.support.encoder_bench import Bench
from tests.support.job import FakeJob

root, name = Path(sys.argv[1]), sys.argv[2]
bench = Bench(root)
scratch = root / name
scratch.mkdir()
job = FakeJob(scratch, unit="encoder", record=root / "record.json")
fact = asyncio.run(bench.encode(job))
print(fact.file.sha256, bench.media.encodes)
"""


TWO_PROFILES = """
import dataclasses
from izumi.domain.profile import Profile
bench = Bench(root, profiles=("hardsub", "small"))
profiles = {"hardsub": Profile(), "small": Profile(suffix=" [small]")}
bench.encoder = dataclasses.replace(bench.encoder, profiles=profiles)
"""


def run(
    root: Path, name: str, failpoint: str = "", *, program: str = RUN
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, root, name],
        env=os.environ | {"IZUMI_FAILPOINTS": failpoint, "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("failpoint", "encodes"),
    [
        ("encoder.after_download", 1),
        ("encoder.after_probe", 1),
        ("encoder.after_encode", 1),
        ("encoder.after_proof", 1),
        ("encoder.after_save", 1),
        ("encoder.before_upload", 1),
        ("encoder.after_first", 0),
        ("encoder.after_upload", 0),
    ],
)
def test_a_kill_anywhere_leaves_one_output_and_no_difference(tmp_path, failpoint, encodes):
    killed = run(tmp_path, "first", f"{failpoint}=kill")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    done = run(tmp_path, "second")
    assert done.returncode == 0, done.stderr
    sha256, again = done.stdout.splitlines()[-1].split()
    assert int(again) == encodes, "what lies at a destination is not encoded again"
    store = tmp_path / "store"
    outputs = list(store.rglob("*.mp4"))
    assert len(outputs) == 2
    assert {hashlib.sha256(path.read_bytes()).hexdigest() for path in outputs} == {sha256}


def test_a_kill_after_one_profile_was_told_leaves_the_others_to_do(tmp_path):
    program = RUN.replace("bench = Bench(root)", TWO_PROFILES)
    killed = run(tmp_path, "first", "encoder.after_told=kill", program=program)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    done = run(tmp_path, "second", program=program)
    assert done.returncode == 0, done.stderr
    _, again = done.stdout.splitlines()[-1].split()
    assert int(again) == 1
    assert len(list((tmp_path / "store").rglob("*.mp4"))) == 4


async def test_a_whole_job_with_real_tools(media: Media, tmp_path):
    source = await media.sample(clip(attachments=(attached(media.blocks),)))
    bench = Bench(tmp_path, source.read_bytes())
    encoder = dataclasses.replace(
        bench.encoder, transcoder=await media.transcoder(), profiles={"hardsub": FAST}
    )
    job = bench.job()
    (fact,) = await encoder(bench.fact, job)
    assert isinstance(fact, Encoded)
    lies = bench.lies("out")
    assert lies is not None
    assert lies == bench.lies("spare")
    output = tmp_path / "seen.mp4"
    output.write_bytes(lies)
    assert media.frame(output, 1.5).count(white) > 50
    assert b"The Spring - 01 [1080p]" in lies, "the title is the episode's name"
    assert fact.recipe["seen"][0]["track"] == 2
    assert events.decode_fact(events.encode(fact)) == fact
    assert {"encoding", "proving"} <= {step for step, _, _ in job.reports}


@pytest.mark.parametrize(
    ("key", "output"),
    [
        (KEY, OUTPUT_KEY),
        ("Show/Show - 12.5 [1080p].mkv", "Show/Show - 12.5 [1080p].mp4"),
        ("Show/Show - 12.5", "Show/Show - 12.5.mp4"),
        ("Show/Show vol.2", "Show/Show vol.2.mp4"),
        ("Show/Show.MKV", "Show/Show.mp4"),
    ],
)
def test_the_hardsub_lies_beside_the_softsub_under_the_same_name(key, output):
    assert hardsub_key(key) == output


def test_a_suffix_stands_before_the_ending_and_a_name_too_long_is_refused():
    assert hardsub_key("Show/Show - 01.mkv", " [AV1]") == "Show/Show - 01 [AV1].mp4"
    with pytest.raises(BadKey, match="255 are allowed"):
        hardsub_key(f"Show/{'x' * 250}.mkv", " [AV1]")


@pytest.mark.parametrize(
    "wrong",
    [
        {"destinations": []},
        {"destinations": ["a", "a"]},
        {"destinations": ["a"], "jobs": 0},
        {"destinations": ["a"], "threads": -1},
        {"destinations": ["a"], "stall_s": 0},
        {"destinations": ["a"], "profiles": []},
        {"destinations": ["a"], "profiles": ["x", "x"]},
        {"destinations": ["a"], "nice": 20},
        {"destinations": ["a"], "memory_mb": 100},
        {"destinations": ["a"], "limit_h": 0},
        {"destinations": ["a"], "hours": "night"},
        {"destinations": ["a"], "profil": "x"},
    ],
)
def test_a_configuration_that_cannot_work_is_refused(wrong):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, EncoderSettings)


SIDECAR = "The Spring/The Spring - 01 [1080p].en.ass"


def lay(bench: Bench, place: str, key: str, content: bytes) -> None:
    path = bench.store.path(File(key=key, size=0, sha256=None, sub="softsub"), PLACES[place])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


async def test_subtitle_files_beside_the_source_come_with_it(bench):
    lay(bench, "far", SIDECAR, b"a script")
    lay(bench, "far", SIDECAR.replace("01", "02"), b"of another episode")
    # Where the video does not lie, nothing is its own.
    lay(bench, "near", SIDECAR.replace(".en", ".de"), b"left behind")
    await bench.encode(bench.job())
    assert bench.media.beside == {"The Spring - 01 [1080p].en.ass": b"a script"}


async def test_a_source_whose_neighbours_cannot_be_told_is_tried_again(bench, monkeypatch):
    async def down(_file, at):
        raise StorageUnavailable(f"{at.name} does not answer")

    monkeypatch.setattr(bench.store, "beside", down)
    with pytest.raises(StorageUnavailable, match=r"what lies beside .* cannot be told"):
        await bench.encode(bench.job())


async def test_a_subtitle_file_larger_than_any_script_is_held(bench, monkeypatch):
    monkeypatch.setattr(sidecars, "MOST_BYTES", 10)
    lay(bench, "far", SIDECAR, bytes(11))
    with pytest.raises(Held, match="has 11 bytes, more than any script"):
        await bench.encode(bench.job())


async def test_what_is_decided_for_a_show_holds_for_that_show(tmp_path):
    other = Override(show="Another", audio=9)
    own = Override(show="the spring", no_subtitles="pass", audio=1)
    bench = Bench(tmp_path, b"an episode, raw", override=(other, own))
    fact = await bench.encode(bench.job())
    assert fact.recipe["subtitles"] == []
    assert "sound: the override says 1" in fact.recipe["why"]


async def ordered_anew(bench: Bench) -> tuple[Encoded, FakeJob]:
    """The first hardsub, and a job that makes it anew: what a replay begins with."""
    first = await bench.encode(bench.job())
    job = bench.job("anew")
    job.checkpoint = {"replaces": [msgspec.to_builtins(first.file)]}
    return first, job


def trash_of(bench: Bench, place: str) -> list[bytes]:
    folder = bench.root / "store" / place / ".izumi-trash"
    return [path.read_bytes() for path in folder.rglob("*.mp4")]


async def test_what_is_ordered_anew_is_encoded_again_and_takes_the_place_of_the_old(bench):
    first, job = await ordered_anew(bench)
    old = bench.lies("out")
    second = await bench.encode(job)
    assert bench.media.encodes == 2
    assert second.file.key == first.file.key
    assert second.replaces == (first.file,)
    for place in ("out", "spare"):
        assert hashlib.sha256(bench.lies(place)).hexdigest() == second.file.sha256
        assert trash_of(bench, place) == [old]


async def test_the_old_hardsub_stays_until_the_new_one_is_proved(bench, tmp_path):
    _, job = await ordered_anew(bench)
    old = bench.lies("out")
    bench.media.prove = _refuses
    with pytest.raises(Held):
        await bench.encode(job)
    assert bench.lies("out") == old
    assert trash_of(bench, "out") == []


async def _refuses(*_: object) -> dict[str, object]:
    raise Held("the subtitles are not seen in the output")


async def test_a_strangers_file_is_not_replaced_by_what_is_ordered_anew(bench):
    _, job = await ordered_anew(bench)
    path = bench.store.path(File(key=OUTPUT_KEY, size=0, sha256=None, sub="hardsub"), PLACES["out"])
    path.write_bytes(b"a stranger's")
    with pytest.raises(Held, match="not made by this job"):
        await bench.encode(job)
    assert bench.lies("out") == b"a stranger's"
    assert bench.media.encodes == 1


async def test_a_second_attempt_at_a_replacement_goes_on_where_the_first_one_stopped(bench):
    first, job = await ordered_anew(bench)
    bench.store.down.add("spare")
    with pytest.raises(StorageUnavailable):
        await bench.encode(job)
    assert len(trash_of(bench, "out")) == 1
    bench.store.down.clear()
    second = await bench.encode(bench.again(job))
    assert bench.media.encodes == 2
    assert second.replaces == (first.file,)
    for place in ("out", "spare"):
        assert hashlib.sha256(bench.lies(place)).hexdigest() == second.file.sha256
        assert len(trash_of(bench, place)) == 1
