"""The contract of `Store`: the one in memory, and rclone over four kinds of real storage."""

import asyncio
import itertools
import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from izumi import failpoints
from izumi.domain import keys
from izumi.domain.errors import BadKey, Held, StorageUnavailable
from izumi.failpoints import FailpointHit
from izumi.storage.memory import MemoryStore
from izumi.storage.rclone import Rclone
from izumi.storage.settings import RcloneSettings
from izumi.storage.store import RcloneStore
from tests.support import damage
from tests.support.remotes import KINDS, Remotes
from tests.support.shelves import FINAL, MemoryShelf, Sample, Shelf, Stored, flipped, sample

A, B, C = "attempt-a", "attempt-b", "attempt-c"

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(params=["memory", *KINDS])
def stored(request: pytest.FixtureRequest) -> Stored:
    if request.param == "memory":
        memory = MemoryStore()
        return Stored(memory, lambda **more: MemoryShelf(memory, **more))
    return _real(request, request.param)


@pytest.fixture(params=KINDS)
def real(request: pytest.FixtureRequest) -> Stored:
    return _real(request, request.param)


def _real(request: pytest.FixtureRequest, kind: str) -> Stored:
    remotes: Remotes = request.getfixturevalue("remotes")
    store = RcloneStore(request.getfixturevalue("rclone"))
    return Stored(store, lambda **more: remotes.place(kind, **more))


@pytest.fixture
def shelf(stored: Stored) -> Shelf:
    return stored.shelf()


@pytest.fixture
def source(tmp_path: Path) -> Sample:
    return sample(tmp_path)


@pytest.fixture
def armed() -> Iterator[None]:
    yield
    failpoints.arm("")


# --- put ---------------------------------------------------------------------------------


async def test_what_was_put_lies_whole_under_its_name_and_nothing_beside_it(
    stored: Stored, shelf: Shelf, source: Sample
):
    await stored.store.put(source.path, source.file, shelf.location, token=A)
    assert shelf.files() == {FINAL: source.content}
    entry = await stored.store.stat(source.file, shelf.location)
    assert entry is not None
    assert entry.size == source.file.size


async def test_a_hardsub_lies_in_its_own_folder_and_a_season_in_the_shows(
    stored: Stored, shelf: Shelf, source: Sample
):
    file = source.called("Show/Season 2/Show S2 - 01.mp4", "hardsub")
    await stored.store.put(source.path, file, shelf.location, token=A)
    assert shelf.files() == {"Airing [Hardsub]/Show/Season 2/Show S2 - 01.mp4": source.content}


async def test_an_empty_folder_name_puts_shows_right_below_the_remote(
    stored: Stored, source: Sample
):
    shelf = stored.shelf(softsub="")
    await stored.store.put(source.path, source.file, shelf.location, token=A)
    assert shelf.files() == {source.file.key: source.content}


async def test_a_file_without_a_byte_is_a_file(stored: Stored, shelf: Shelf, tmp_path: Path):
    empty = sample(tmp_path, 0)
    await stored.store.put(empty.path, empty.file, shelf.location, token=A)
    assert shelf.files() == {FINAL: b""}
    assert await stored.store.has(empty.file, shelf.location)


@pytest.mark.usefixtures("armed")
async def test_putting_the_same_again_uploads_nothing(stored: Stored, shelf: Shelf, source: Sample):
    await stored.store.put(source.path, source.file, shelf.location, token=A)
    failpoints.arm("store.before_upload=raise")
    await stored.store.put(source.path, source.file, shelf.location, token=B)
    assert shelf.files() == {FINAL: source.content}


@pytest.mark.parametrize("verify", ["hash", "read", "size"])
async def test_something_else_of_another_size_under_the_name_is_held_and_stays(
    stored: Stored, source: Sample, verify: str
):
    shelf = stored.shelf(verify=verify)
    shelf.write(FINAL, b"older")
    with pytest.raises(Held, match=r"Show - 01 \[1080p\].mkv"):
        await stored.store.put(source.path, source.file, shelf.location, token=A)
    assert shelf.files() == {FINAL: b"older"}


@pytest.mark.parametrize("verify", ["hash", "read"])
async def test_something_else_of_the_same_size_under_the_name_is_held_and_stays(
    stored: Stored, source: Sample, verify: str
):
    shelf = stored.shelf(verify=verify)
    shelf.write(FINAL, flipped(source.content))
    with pytest.raises(Held):
        await stored.store.put(source.path, source.file, shelf.location, token=A)
    assert shelf.files() == {FINAL: flipped(source.content)}


@pytest.mark.parametrize("verify", ["hash", "read", "size"])
@pytest.mark.parametrize("change", [lambda old: old + b"more", flipped])
async def test_a_source_that_is_not_what_it_should_be_is_held_and_leaves_nothing(
    stored: Stored, source: Sample, verify: str, change
):
    shelf = stored.shelf(verify=verify)
    source.path.write_bytes(change(source.content))
    with pytest.raises(Held):
        await stored.store.put(source.path, source.file, shelf.location, token=A)
    assert shelf.files() == {}


async def test_a_source_that_is_a_link_or_gone_is_held(
    stored: Stored, shelf: Shelf, source: Sample, tmp_path: Path
):
    link = tmp_path / "link"
    link.symlink_to(source.path)
    for path in (link, tmp_path / "gone"):
        with pytest.raises(Held):
            await stored.store.put(path, source.file, shelf.location, token=A)
    assert shelf.files() == {}


async def test_a_file_known_by_size_alone_is_stored_and_found(
    stored: Stored, shelf: Shelf, source: Sample
):
    file = msgspec.structs.replace(source.file, sha256=None)
    await stored.store.put(source.path, file, shelf.location, token=A)
    assert shelf.files() == {FINAL: source.content}
    assert await stored.store.has(file, shelf.location)


async def test_progress_only_grows_and_ends_at_one(stored: Stored, shelf: Shelf, tmp_path: Path):
    large = sample(tmp_path, 6_000_000)
    told: list[float] = []
    await stored.store.put(large.path, large.file, shelf.location, token=A, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert told[0] >= 0


@pytest.mark.parametrize("step", ["store.before_upload", "store.after_upload"])
@pytest.mark.usefixtures("armed")
async def test_an_attempt_that_fails_leaves_nothing_and_the_next_succeeds(
    stored: Stored, shelf: Shelf, source: Sample, step: str
):
    failpoints.arm(f"{step}=raise")
    with pytest.raises(FailpointHit):
        await stored.store.put(source.path, source.file, shelf.location, token=A)
    assert shelf.files() == {}
    failpoints.arm("")
    await stored.store.put(source.path, source.file, shelf.location, token=B)
    assert shelf.files() == {FINAL: source.content}


async def test_two_attempts_at_once_end_with_one_whole_file(
    stored: Stored, shelf: Shelf, source: Sample
):
    results = await asyncio.gather(
        *(
            stored.store.put(source.path, source.file, shelf.location, token=token)
            for token in (A, B)
        ),
        return_exceptions=True,
    )
    # The slower one may find its part removed; it would be tried again.
    assert None in results
    assert all(result is None or isinstance(result, StorageUnavailable) for result in results)
    await stored.store.put(source.path, source.file, shelf.location, token=C)
    assert shelf.files() == {FINAL: source.content}


# --- has, stat, get ----------------------------------------------------------------------


async def test_where_nothing_lies_nothing_is_found(stored: Stored, shelf: Shelf, source: Sample):
    assert await stored.store.stat(source.file, shelf.location) is None
    assert not await stored.store.has(source.file, shelf.location)


async def test_a_folder_under_a_files_name_is_no_file(stored: Stored, shelf: Shelf, source: Sample):
    shelf.write(f"{FINAL}/inner.mkv", source.content)
    assert await stored.store.stat(source.file, shelf.location) is None
    assert not await stored.store.has(source.file, shelf.location)


async def test_stat_tells_the_size_of_whatever_lies_there(
    stored: Stored, shelf: Shelf, source: Sample
):
    shelf.write(FINAL, b"else")
    assert await stored.store.stat(source.file, shelf.location) == (4,)


async def test_what_lies_beside_a_file_is_told_with_its_size(
    stored: Stored, shelf: Shelf, source: Sample
):
    assert await stored.store.beside(source.file, shelf.location) == {}
    for path, content in (
        (FINAL, source.content),
        ("Airing/Show/Show - 01 [1080p].en.ass", b"script"),
        ("Airing/Show/Extras/Show - 01 [1080p].ass", b"deeper"),
        ("Airing/Other/Show - 01 [1080p].ass", b"another show"),
    ):
        shelf.write(path, content)
    assert await stored.store.beside(source.file, shelf.location) == {
        "Show - 01 [1080p].mkv": len(source.content),
        "Show - 01 [1080p].en.ass": 6,
    }


@pytest.mark.parametrize("verify", ["hash", "read"])
async def test_something_else_under_the_name_is_not_had_but_held(
    stored: Stored, source: Sample, verify: str
):
    shelf = stored.shelf(verify=verify)
    for other in (b"else", flipped(source.content)):
        shelf.write(FINAL, other)
        with pytest.raises(Held):
            await stored.store.has(source.file, shelf.location)
    shelf.write(FINAL, source.content)
    assert await stored.store.has(source.file, shelf.location)


async def test_what_is_got_is_what_was_put(
    stored: Stored, shelf: Shelf, source: Sample, tmp_path: Path
):
    shelf.write(FINAL, source.content)
    folder = tmp_path / "job"
    folder.mkdir()
    told: list[float] = []
    await stored.store.get(source.file, shelf.location, folder / "in.mkv", progress=told.append)
    assert (folder / "in.mkv").read_bytes() == source.content
    assert [path.name for path in folder.iterdir()] == ["in.mkv"]
    assert told == sorted(told)
    assert told[-1] == 1.0


@pytest.mark.parametrize("there", [None, b"short", flipped])
async def test_what_is_not_the_file_is_not_got(
    stored: Stored, shelf: Shelf, source: Sample, tmp_path: Path, there
):
    if there is not None:
        shelf.write(FINAL, there(source.content) if callable(there) else there)
    folder = tmp_path / "job"
    folder.mkdir()
    (folder / "in.mkv").write_bytes(b"from before")
    with pytest.raises(StorageUnavailable):
        await stored.store.get(source.file, shelf.location, folder / "in.mkv")
    assert [path.name for path in folder.iterdir()] == ["in.mkv"]
    assert (folder / "in.mkv").read_bytes() == b"from before"


# --- copy --------------------------------------------------------------------------------


async def test_no_damaged_copy_is_ever_got(
    stored: Stored, shelf: Shelf, source: Sample, tmp_path: Path
):
    place = random.Random(5)  # noqa: S311 - the same damage every time
    for kind in damage.KINDS * 2:
        shelf.write(FINAL, damage.damaged(source.content, kind, place))
        with pytest.raises(StorageUnavailable):
            await stored.store.get(source.file, shelf.location, tmp_path / "in.mkv")
        assert not (tmp_path / "in.mkv").exists()


async def test_a_copy_between_two_locations_is_the_same_file(
    stored: Stored, shelf: Shelf, source: Sample
):
    other = stored.shelf()
    shelf.write(FINAL, source.content)
    told: list[float] = []
    await stored.store.copy(
        source.file, shelf.location, other.location, token=A, progress=told.append
    )
    assert other.files() == {FINAL: source.content}
    assert shelf.files() == {FINAL: source.content}
    assert told[-1] == 1.0
    await stored.store.copy(source.file, shelf.location, other.location, token=B)
    assert other.files() == {FINAL: source.content}


async def test_a_copy_of_what_is_not_there_leaves_nothing(
    stored: Stored, shelf: Shelf, source: Sample
):
    other = stored.shelf()
    with pytest.raises(StorageUnavailable):
        await stored.store.copy(source.file, shelf.location, other.location, token=A)
    shelf.write(FINAL, b"short")
    with pytest.raises(StorageUnavailable):
        await stored.store.copy(source.file, shelf.location, other.location, token=A)
    assert other.files() == {}


@pytest.mark.parametrize("verify", ["read", "hash"])
async def test_a_copy_of_damaged_content_is_not_made_visible(
    stored: Stored, shelf: Shelf, source: Sample, verify: str
):
    other = stored.shelf(verify=verify)
    shelf.write(FINAL, flipped(source.content))
    with pytest.raises(StorageUnavailable):
        await stored.store.copy(source.file, shelf.location, other.location, token=A)
    assert other.files() == {}


async def test_a_copy_does_not_replace_something_else(stored: Stored, shelf: Shelf, source: Sample):
    other = stored.shelf()
    shelf.write(FINAL, source.content)
    other.write(FINAL, flipped(source.content))
    with pytest.raises(Held):
        await stored.store.copy(source.file, shelf.location, other.location, token=A)
    assert other.files() == {FINAL: flipped(source.content)}


async def test_a_copy_onto_itself_is_nothing_to_do(stored: Stored, shelf: Shelf, source: Sample):
    with pytest.raises(StorageUnavailable):
        await stored.store.copy(source.file, shelf.location, shelf.location, token=A)
    shelf.write(FINAL, source.content)
    await stored.store.copy(source.file, shelf.location, shelf.location, token=A)
    assert shelf.files() == {FINAL: source.content}


@pytest.mark.parametrize(("kind", "to"), list(itertools.permutations(KINDS, 2)))
async def test_every_kind_of_storage_copies_to_every_other(
    remotes: Remotes, rclone: Rclone, source: Sample, kind: str, to: str
):
    here, there = remotes.place(kind), remotes.place(to)
    here.write(FINAL, source.content)
    await RcloneStore(rclone).copy(source.file, here.location, there.location, token=A)
    assert there.files() == {FINAL: source.content}


# --- sweep -------------------------------------------------------------------------------


async def test_a_sweep_removes_the_parts_of_the_given_attempts_and_nothing_else(
    stored: Stored, shelf: Shelf
):
    name = "Show - 01.mkv"
    dead = [
        f"Airing/Show/{keys.part_name('dead-1', name)}",
        f"Airing/Show/Season 2/{keys.part_name('dead-2', name)}",
        f"Airing [Hardsub]/Show/{keys.part_name('dead-1', name)}",
    ]
    kept = [
        f"Airing/Show/{name}",
        f"Airing/Show/{keys.part_name('alive', name)}",
        f"Airing/Show/{keys.part_name('dead-12', name)}",
        "Airing/Show/dead-1",
    ]
    for path in dead + kept:
        shelf.write(path, b"x")
    assert await stored.store.sweep(shelf.location, frozenset({"dead-1", "dead-2"})) == 3
    assert sorted(shelf.files()) == sorted(kept)
    assert await stored.store.sweep(shelf.location, frozenset({"dead-1"})) == 0


async def test_an_empty_location_has_nothing_to_sweep(stored: Stored, shelf: Shelf):
    assert await stored.store.sweep(shelf.location, frozenset({"a"})) == 0


# --- retire ------------------------------------------------------------------------------

ASIDE = "20260102-120000-job"


async def test_what_is_retired_waits_in_the_trash_under_its_path(
    stored: Stored, shelf: Shelf, source: Sample
):
    await stored.store.put(source.path, source.file, shelf.location, token=A)
    assert await stored.store.retire(source.file, shelf.location, into=ASIDE)
    assert shelf.files() == {f"{keys.TRASH}/{ASIDE}/{FINAL}": source.content}
    assert not await stored.store.retire(source.file, shelf.location, into=ASIDE)
    await stored.store.put(source.path, source.file, shelf.location, token=B)
    assert await stored.store.has(source.file, shelf.location)


async def test_something_else_is_not_retired_and_stays(
    stored: Stored, shelf: Shelf, source: Sample
):
    shelf.write(FINAL, flipped(source.content))
    with pytest.raises(Held):
        await stored.store.retire(source.file, shelf.location, into=ASIDE)
    assert shelf.files() == {FINAL: flipped(source.content)}


async def test_a_folder_of_the_trash_is_one_name(stored: Stored, shelf: Shelf, source: Sample):
    await stored.store.put(source.path, source.file, shelf.location, token=A)
    with pytest.raises(BadKey):
        await stored.store.retire(source.file, shelf.location, into="../x")
    assert shelf.files() == {FINAL: source.content}


@pytest.mark.usefixtures("armed")
@pytest.mark.parametrize("step", ["store.before_retire", "store.after_retire"])
async def test_whoever_is_killed_while_retiring_loses_nothing_and_goes_on(
    real: Stored, source: Sample, step: str
):
    shelf = real.shelf()
    await real.store.put(source.path, source.file, shelf.location, token=A)
    failpoints.arm(f"{step}=raise")
    with pytest.raises(FailpointHit):
        await real.store.retire(source.file, shelf.location, into=ASIDE)
    failpoints.arm("")
    assert list(shelf.files().values()) == [source.content]
    # As a storage leaves it that cannot rename, and was killed before it removed the source.
    shelf.write(FINAL, source.content)
    assert await real.store.retire(source.file, shelf.location, into=ASIDE)
    assert shelf.files() == {f"{keys.TRASH}/{ASIDE}/{FINAL}": source.content}


# --- keys --------------------------------------------------------------------------------

HOSTILE = [
    "",
    "x.mkv",
    "/etc/passwd",
    "../x.mkv",
    "Show/../../x.mkv",
    "Show/..",
    "Show//x.mkv",
    "Show/x.mkv/",
    "./x.mkv",
    "--dry-run/x.mkv",
    "Show/-rf",
    ":sftp,ssh='touch x':/x.mkv",
    "local:/etc/x.mkv",
    "Show/a\\b.mkv",
    "Show/a\nb.mkv",
    "Show/a\0b.mkv",
    "Show/\u202evkm.x",
    "Show/\u201b\uff0fx.mkv",
    "Show/\u240a.mkv",
    "Show/\uff0e\uff0e",
    "Show/CON.mkv",
    "Show/e\u0301.mkv",
    "Show/\udc80.mkv",
    f"Show/{'x' * 252}.mkv",
    "a/b/c/d/e.mkv",
]


async def test_a_hostile_key_is_refused_before_anything_is_asked(
    stored: Stored, shelf: Shelf, source: Sample, tmp_path: Path
):
    other = stored.shelf()
    never_started = RcloneStore(Rclone(RcloneSettings(), state=tmp_path))
    for key, store in itertools.product(HOSTILE, (stored.store, never_started)):
        file, at = source.called(key), shelf.location
        for attempt in (
            store.stat(file, at),
            store.has(file, at),
            store.put(source.path, file, at, token=A),
            store.get(file, at, tmp_path / "out"),
            store.copy(file, at, other.location, token=A),
        ):
            with pytest.raises(BadKey):
                await attempt
    assert shelf.files() == {}
    assert not (tmp_path / "out").exists()


async def test_a_remote_that_no_configuration_allows_is_refused(
    remotes: Remotes, rclone: Rclone, source: Sample, tmp_path: Path
):
    store = RcloneStore(rclone)
    for remote in (f":local:{tmp_path}/x", f"local,copy_links=true:{tmp_path}/x", "x/y", "/a/../b"):
        at = msgspec.structs.replace(remotes.place("local").location, remote=remote)
        with pytest.raises(BadKey):
            await store.put(source.path, source.file, at, token=A)
    assert not (tmp_path / "x").exists()
