"""The distributor: each destination on its own."""

import asyncio
import datetime as dt
import hashlib
from pathlib import Path

import msgspec
import pytest

from izumi import failpoints
from izumi.consumers.distributor import Distributor, DistributorSettings
from izumi.domain.errors import Held, Rejected, StorageUnavailable
from izumi.domain.events import Acquired, Distributed, Encoded, Episode, File, Notified
from izumi.storage.ports import Location
from tests.support.folder_store import FolderStore
from tests.support.job import FakeJob

NOON = dt.datetime(2026, 1, 2, 12, tzinfo=dt.UTC)
DATA = b"an episode"
FILE = File(
    key="Show/Show - 01.mkv",
    size=len(DATA),
    sha256=hashlib.sha256(DATA).hexdigest(),
    sub="softsub",
)
FACT = Acquired(file=FILE, episode=Episode(show="Show"), sources=("seedbox",), at=NOON)
PLACES = {name: Location(name=name, remote=name) for name in ("seedbox", "a", "b", "c")}


def unit(store: FolderStore, *destinations: str, sources: tuple[str, ...] = ()) -> Distributor:
    settings = DistributorSettings(destinations=destinations, sources=sources)
    return Distributor(
        group="public", settings=settings, locations=PLACES, store=store, host="h", now=lambda: NOON
    )


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    made = FolderStore(tmp_path)
    source = made.path(FILE, PLACES["seedbox"])
    source.parent.mkdir(parents=True)
    source.write_bytes(DATA)
    return made


async def test_every_destination_gets_the_file_and_each_is_told_at_once(
    store: FolderStore, tmp_path: Path
) -> None:
    job = FakeJob(tmp_path)
    assert await unit(store, "a", "b")(FACT, job) == []
    for name in ("a", "b"):
        assert store.path(FILE, PLACES[name]).read_bytes() == DATA
    told = [fact.destination for fact in job.facts if isinstance(fact, Distributed)]
    assert sorted(told) == ["a", "b"]
    assert set(job.saves[-1]["done"]) == {"a", "b"}


async def test_one_that_is_down_blocks_no_other_and_only_it_is_tried_again(
    store: FolderStore, tmp_path: Path
) -> None:
    store.down.add("b")
    job = FakeJob(tmp_path)
    with pytest.raises(StorageUnavailable, match="b: "):
        await unit(store, "a", "b", "c")(FACT, job)
    assert {fact.destination for fact in job.facts if isinstance(fact, Distributed)} == {"a", "c"}
    store.down.clear()
    store.calls.clear()
    again = FakeJob(tmp_path, attempt=2, checkpoint=job.saves[-1])
    await unit(store, "a", "b", "c")(FACT, again)
    assert [fact.destination for fact in again.facts if isinstance(fact, Distributed)] == ["b"]
    assert not [
        call for call in store.calls if call[0] in {"put", "copy"} and call[1] in {"a", "c"}
    ]


async def test_a_place_that_has_the_file_already_is_told_and_nothing_is_copied(
    store: FolderStore, tmp_path: Path
) -> None:
    await unit(store, "a")(FACT, FakeJob(tmp_path))
    store.calls.clear()
    job = FakeJob(tmp_path, attempt=2)
    await unit(store, "a")(FACT, job)
    assert "copy" not in {what for what, _ in store.calls}
    assert len(job.facts) == 1


async def test_something_else_under_the_name_is_held_once_the_others_are_done(
    store: FolderStore, tmp_path: Path
) -> None:
    other = store.path(FILE, PLACES["a"])
    other.parent.mkdir(parents=True)
    other.write_bytes(b"another file")
    job = FakeJob(tmp_path)
    with pytest.raises(Held) as held:
        await unit(store, "a", "b")(FACT, job)
    assert set(held.value.facts) == {"a"}
    assert other.read_bytes() == b"another file"
    assert {fact.destination for fact in job.facts if isinstance(fact, Distributed)} == {"b"}


async def test_the_nearest_source_that_has_the_file_is_taken(
    store: FolderStore, tmp_path: Path
) -> None:
    store.down.add("c")
    await unit(store, "a", sources=("c", "b", "seedbox"))(FACT, FakeJob(tmp_path))
    assert store.path(FILE, PLACES["a"]).read_bytes() == DATA


@pytest.mark.parametrize("size", [0, 1])
async def test_a_source_that_holds_another_content_is_passed_over(
    store: FolderStore, tmp_path: Path, size: int
) -> None:
    wrong = store.path(FILE, PLACES["b"])
    wrong.parent.mkdir(parents=True)
    wrong.write_bytes(bytes(len(DATA) - size))
    await unit(store, "a", sources=("b", "seedbox"))(FACT, FakeJob(tmp_path))
    assert store.path(FILE, PLACES["a"]).read_bytes() == DATA


async def test_a_file_that_lies_nowhere_is_waited_for_with_each_place_named(
    store: FolderStore, tmp_path: Path
) -> None:
    store.path(FILE, PLACES["seedbox"]).unlink()
    with pytest.raises(StorageUnavailable, match=r"comes from no source .*seedbox: not there"):
        await unit(store, "a")(FACT, FakeJob(tmp_path))


async def test_only_facts_about_files_are_distributed(store: FolderStore, tmp_path: Path) -> None:
    told = Notified(file=FILE, episode=FACT.episode, group="g", job="j", targets=("log",), at=NOON)
    with pytest.raises(Rejected):
        await unit(store, "a")(told, FakeJob(tmp_path))


@pytest.mark.parametrize(
    "place", ["distributor.before_copy", "distributor.after_copy", "distributor.after_record"]
)
async def test_an_attempt_that_dies_anywhere_is_finished_by_the_next_without_repeats(
    store: FolderStore, tmp_path: Path, place: str
) -> None:
    record = tmp_path / "record.json"
    failpoints.arm(f"{place}=raise@2")
    try:
        with pytest.raises(failpoints.FailpointHit):
            await unit(store, "a", "b", "c")(FACT, FakeJob(tmp_path, record=record))
    finally:
        failpoints.arm("")
    finished = {name for name in "abc" if store.path(FILE, PLACES[name]).exists()}
    store.calls.clear()
    await unit(store, "a", "b", "c")(FACT, FakeJob(tmp_path, record=record, attempt=2))
    copied = {name for what, name in store.calls if what == "put"}
    assert copied == {"a", "b", "c"} - finished
    await asyncio.sleep(0)


async def test_a_hardsub_that_was_made_anew_takes_the_place_of_the_old_one_and_of_no_other(
    store: FolderStore, tmp_path: Path
) -> None:
    old = File(key="Show/Show - 01.mp4", size=3, sha256=_sha256(b"old"), sub="hardsub")
    new = File(key=old.key, size=5, sha256=_sha256(b"newer"), sub="hardsub")
    for name, content in (("seedbox", b"newer"), ("a", b"old"), ("b", b"newer"), ("c", b"hm?")):
        path = store.path(new, PLACES[name])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    fact = Encoded(
        file=new,
        episode=FACT.episode,
        sources=("seedbox",),
        origin=FILE,
        profile="hardsub",
        replaces=(msgspec.structs.replace(old, sha256=_sha256(b"eld")), old),
        at=NOON,
    )
    job = FakeJob(tmp_path, job="encoded-0123456789ab")
    with pytest.raises(Held, match="c"):
        await unit(store, "a", "b", "c")(fact, job)
    lies = {name: store.path(new, PLACES[name]).read_bytes() for name in ("a", "b", "c")}
    assert lies == {"a": b"newer", "b": b"newer", "c": b"hm?"}
    trash = [path for path in tmp_path.rglob("*.mp4") if ".izumi-trash" in path.parts]
    assert [path.read_bytes() for path in trash] == [b"old"]
    assert trash[0].parts[-4] == "20260102-120000-0123456789ab"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
