"""The longest clean names on storage that encrypts names: real rclone, standard encryption."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from izumi.consumers.encoder_output import hardsub_key
from izumi.domain import names
from izumi.domain.identify import identify
from izumi.storage.ports import Location
from izumi.storage.rclone import Rclone
from izumi.storage.settings import RcloneSettings, StorageSettings
from izumi.storage.store import RcloneStore
from tests.support.shelves import Sample, sample

pytestmark = pytest.mark.asyncio(loop_scope="module")

LONG = "Ore no Nounai Sentakushi ga, Gakuen Love Come wo Zenryoku de Jama Shiteiru " * 4
SHAPES = (
    "[Group] {} S2 - 05v2 [1080p] (Uncensored).mkv",
    "[Group] {} - 01-12.ts",
    "[Group] {} - NCOP1 [1080p].mkv",
    "[Group] {} (2019) [1080p].mp4",
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def vault(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[RcloneStore, Location]]:
    folder = tmp_path_factory.mktemp("vault")
    behind, config = folder / "behind", folder / "rclone.conf"
    behind.mkdir()
    config.write_text(f"[vault]\ntype = crypt\nremote = {behind}\npassword = {'A' * 32}\n")
    config.chmod(0o600)
    settings = StorageSettings(remote="vault:", name_bytes=names.ENCRYPTED_PART_BYTES)
    async with Rclone(RcloneSettings(config=config), state=folder / "state") as rclone:
        yield RcloneStore(rclone), settings.location("vault")


@pytest.fixture(scope="module")
def episode(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return sample(tmp_path_factory.mktemp("source"), 5_000)


@pytest.mark.parametrize("title", [LONG, "転生したら剣でした" * 20, "Ünïcödé " * 30])
@pytest.mark.parametrize("shape", SHAPES)
async def test_the_longest_clean_name_and_its_hardsub_are_stored_encrypted(
    vault, episode: Sample, title: str, shape: str
):
    store, at = vault
    found = identify(shape.format(title.strip()))
    key = names.key(found, limit_bytes=at.name_bytes)
    assert key is not None
    assert len(names.key(found) or "") > len(key), "it would have been longer elsewhere"
    for each in (episode.called(key), episode.called(hardsub_key(key), "hardsub")):
        await store.put(episode.path, each, at, token="t" * 64)
        assert await store.has(each, at)


async def test_a_part_of_exactly_as_many_bytes_is_stored_and_one_of_more_cannot_be(
    vault, episode: Sample
):
    store, at = vault
    fits = episode.called(f"Show/{'x' * (at.name_bytes - 4)}.mkv")
    await store.put(episode.path, fits, at, token="t" * 64)
    assert await store.has(fits, at)
    longer = episode.called(f"Show/{'x' * (at.name_bytes + 13)}.mkv")
    assert not await store.has(longer, at)
