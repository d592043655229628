"""Openings, trailers and samples in a watch folder; and how long names may be where files go."""

import msgspec
import pytest

from izumi.domain import names
from izumi.naming.process import NamingProcess
from tests.support.acquiring import Place, until
from tests.support.containers import matroska

EPISODE = "Show/[G] Show - 01 [1080p].mkv"
EXTRAS = (
    "Show/[G] Show NCOP1 [1080p].mkv",
    "Show/[G] Show - PV2 [1080p].mkv",
    "Show/[G] Show - 01 sample.mkv",
    "Show/Extras/Making of.mkv",
)


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


async def test_extras_are_held_unless_the_watch_folder_says_otherwise(place):
    labels = await _labels(place)
    assert labels == {EPISODE: "done"} | dict.fromkeys(EXTRAS, "held")
    assert all("an extra (" in hold.reason for hold in await place.holds())


async def test_extras_are_filed_below_their_show(place):
    place.watch["extras"] = "file"
    assert set((await _labels(place)).values()) == {"done"}
    assert {fact.file.key for fact in await place.facts()} == {
        "Show/Show - 01 [1080p].mkv",
        "Show/Extras/Show - NCOP1 [1080p].mkv",
        "Show/Extras/Show - PV2 [1080p].mkv",
        "Show/Extras/Show - 01 sample.mkv",
        "Show/Extras/Making of - Extra.mkv",
    }
    assert "Airing/Show/Extras/Show - NCOP1 [1080p].mkv" in place.stored()


async def test_extras_are_ignored_with_the_reason_and_stay_where_they_are(place):
    place.watch |= {"extras": "ignore", "source": "delete"}
    labels = await _labels(place)
    assert labels == {EPISODE: "done"} | dict.fromkeys(EXTRAS, "ignored")
    assert all((place.root / path).exists() for path in EXTRAS)
    assert not (place.root / EPISODE).exists()
    assert await place.holds() == []


async def test_what_only_may_be_an_extra_is_asked_about_in_any_case(place):
    place.watch["extras"] = "ignore"
    path = "Show/[VCB-Studio] Show [IV01][Ma10p_1080p][x265_flac].mkv"
    assert await _labels(place, path) == {path: "held"}
    assert "may be an extra (IV01)" in (await place.holds())[0].reason


@pytest.mark.parametrize("destinations", [("a", "b"), ("a",)])
async def test_a_name_fits_where_least_fits_of_all_places_that_it_may_go_to(place, destinations):
    place.watch["destinations"] = destinations
    place.locations["b"] = msgspec.structs.replace(
        place.locations["b"], name_bytes=names.ENCRYPTED_PART_BYTES
    )
    path = f"[G] {'Isekai ' * 18}- 01 [1080p].mkv"
    await _labels(place, path)
    (fact,) = await place.facts()
    folder, name = fact.file.key.split("/")
    most = names.ENCRYPTED_PART_BYTES - names.ROOM_BYTES
    assert most - 12 < len(name.encode()) <= most
    assert len(folder.encode()) <= most


async def _labels(place: Place, *paths: str) -> dict[str, str]:
    """What became of each file."""
    for number, path in enumerate(paths := paths or (EPISODE, *EXTRAS)):
        place.put(path, matroska(seed=number))
    async with NamingProcess() as place.names, place.running() as ledger:

        async def settled() -> dict[str, str]:
            labels = {item.name: item.label for item in await ledger.list()}
            ended = {"done", "held", "ignored"}
            return labels if len(labels) == len(paths) and set(labels.values()) <= ended else {}

        labels: dict[str, str] = await until(settled)
        return labels
