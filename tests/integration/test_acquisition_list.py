"""What `izumi-admin acquisition list` says of files in every state."""

import asyncio
import datetime as dt
import json
import logging
import os
from pathlib import Path

import pytest
import structlog

from izumi.commands.acquire import mapped
from izumi.commands.acquisition import acquisition_list
from izumi.domain.errors import UserError
from izumi.storage.ledger import Ledger
from tests.support.acquiring import Place, in_states, states, until
from tests.support.bus import provisioned
from tests.support.containers import matroska
from tests.support.spring import free_port


class Listed:
    """The command over the ledger of a place."""

    def __init__(self, place, capsys, url=None):
        self._capsys = capsys
        self.config = place.base / "izumi.toml"
        url = url or f"nats://127.0.0.1:{free_port()}"
        self.config.write_text(
            f'state = "{place.state.parent}"\n[bus]\nservers = ["{url}"]\n'
            f'[acquisition]\n[[acquisition.watch]]\npath = "{place.root}"\ndestinations = ["a"]\n'
            f'[storage.a]\nremote = "{place.base}/a"\n',
            "utf-8",
        )

    async def lines(self, **options):
        self._capsys.readouterr()
        assert await asyncio.to_thread(acquisition_list, config=self.config, **options) == 0
        return self._capsys.readouterr().out.splitlines()

    async def rows(self, **options):
        return {row["path"]: row for row in map(json.loads, await self.lines(json=True, **options))}


@pytest.fixture(autouse=True)
def _log_as_before():
    """A command sets up the log for a process of its own."""
    yield
    structlog.reset_defaults()
    logging.basicConfig(handlers=[logging.NullHandler()], force=True)


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path)
    place.state = tmp_path / "izumi" / "acquisition"
    place.host["stuck_after_s"] = 0.5
    return place


@pytest.fixture
def listed(place, capsys):
    return Listed(place, capsys)


async def test_every_file_is_listed_with_state_time_and_reason(place, listed):
    place.names.unsure.add("unsure.mkv")
    place.put("Show/done.mkv", matroska(seed=1))
    place.put("Show/unsure.mkv", matroska(seed=2))
    place.put("Show/cut.mkv", matroska(50_000, seed=3)[:20_000])
    (place.root / "link.mkv").symlink_to("/etc/passwd")
    async with place.running() as ledger:
        await until(in_states(ledger, done="done", unsure="held", cut="held", link="ignored"))
        place.store.down |= {"a"}
        place.put("Show/waits.mkv", matroska(seed=4))
        await until(lambda: _reason(ledger, "Show/waits.mkv"))
        with (place.root / "Show/growing.mkv").open("wb") as file:
            file.write(matroska(seed=5)[:100])
            file.flush()
            await until(in_states(ledger, growing="settling"))
            rows = await listed.rows()
    assert {path: row["state"] for path, row in rows.items()} == await _states(place)
    whys = {
        "Show/done.mkv": "",
        "Show/unsure.mkv": "which show is this?",
        "link.mkv": "is a symbolic link",
        "Show/waits.mkv": "a does not answer",
    }
    for path, why in whys.items():
        assert rows[path]["why"].startswith(why), path
    assert "is cut short" in rows["Show/cut.mkv"]["why"]
    assert rows["Show/growing.mkv"]["why"]
    for row in rows.values():
        since = dt.datetime.fromisoformat(row["since"])
        assert abs(dt.datetime.now(dt.UTC) - since) < dt.timedelta(minutes=5)
        assert row["watch"] == str(place.root)
    assert rows["Show/done.mkv"]["key"] == "Show/done.mkv"
    assert rows["Show/done.mkv"]["destinations"] == ["a", "b"]


async def _reason(ledger, path):
    return any(item.name == path and item.reason for item in await ledger.list())


async def _states(place):
    async with await Ledger.visit(place.state) as ledger:
        return await states(ledger)


async def test_some_files_are_listed_by_state_or_by_folder(place, listed):
    place.names.unsure.add("b.mkv")
    for seed, name in enumerate(("a", "b", "c")):
        place.put(f"{name}.mkv", matroska(seed=seed))
    async with place.running() as ledger:
        await until(in_states(ledger, a="done", b="held", c="done"))
    assert [*await listed.rows(state=("held",))] == ["b.mkv"]
    assert len(await listed.rows(state=("held", "done"))) == 3
    assert len(await listed.rows(watch=place.root)) == 3
    assert await listed.lines(state=("gone",)) == ["nothing"]
    with pytest.raises(UserError, match="--state holed: there are seen, settling"):
        await listed.rows(state=("holed",))
    with pytest.raises(UserError, match=f"--watch /elsewhere is no watch folder; .*{place.root}"):
        await listed.rows(watch="/elsewhere")


async def test_a_name_cannot_forge_lines_of_the_list(place, listed):
    place.put("Show/a\nb.mkv done\x1b[31m.mkv")
    place.put("Show/\udcff.mkv", matroska(seed=2))
    async with place.running() as ledger:
        await until(lambda: _count(ledger, 2))
        lines = await listed.lines()
    text = "\n".join(lines)
    assert "\x1b" not in text
    assert "\udcff" not in text
    assert not any(line.startswith("b.mkv done") for line in lines)


async def _count(ledger, files):
    return len(await ledger.list()) == files


async def test_how_far_an_upload_is_stands_in_the_list(tmp_path, nats_server, capsys):
    async with provisioned(nats_server) as bus:
        place = Place(tmp_path, bus=bus)
        place.state = tmp_path / "izumi" / "acquisition"
        place.store.gate = asyncio.Event()
        place.put("Show/a.mkv")
        listed = Listed(place, capsys, nats_server.url)
        async with place.running() as ledger:
            await place.store.waiting.wait()
            await until(lambda: bus.latest("izumi.progress.acquisition.>"))
            row = (await listed.rows())["Show/a.mkv"]
            assert row["state"] == "staged"
            assert row["why"].startswith("uploading ")
            assert "a " in row["why"]
            assert "b " in row["why"]
            place.store.gate.set()
            await until(in_states(ledger, a="done"))


async def test_a_bus_that_is_away_keeps_no_list_back(place, listed):
    place.store.gate = asyncio.Event()
    place.put("Show/a.mkv")
    async with place.running():
        await place.store.waiting.wait()
        row = (await listed.rows())["Show/a.mkv"]
    assert row["why"] == "waits for its upload, or is being uploaded"


async def test_a_host_that_never_acquired_lists_nothing(listed):
    assert await listed.lines() == ["nothing"]


async def test_a_ledger_of_another_user_says_who_may(place, as_nobody):
    async with place.running():
        pass
    place.state.chmod(0o700)
    with as_nobody(place.base):
        if os.geteuid() == place.state.stat().st_uid:
            pytest.skip("nobody else to be")
        with pytest.raises(UserError, match="run this as the user that acquisition runs as"):
            await Ledger.visit(place.state)


def test_a_path_is_mapped_by_the_longest_that_fits():
    maps = ["/downloads=/srv/a", "/downloads/tv=/srv/b", "/=/other"]
    pairs = {
        "/downloads/x.mkv": "/srv/a/x.mkv",
        "/downloads/tv/x=y.mkv": "/srv/b/x=y.mkv",
        "/downloads": "/srv/a",
        "/downloads2/x.mkv": "/other/downloads2/x.mkv",
        "relative.mkv": "relative.mkv",
    }
    assert {path: str(mapped(Path(path), maps)) for path in pairs} == pairs


@pytest.mark.parametrize("text", ["/downloads", "downloads=/srv", "/downloads=", "=/srv"])
def test_a_map_that_is_none_is_told(text):
    with pytest.raises(UserError, match="give two absolute paths as FROM=TO"):
        mapped(Path("/x"), [text])


async def test_what_is_announced_and_not_everywhere_yet_is_listed_with_where_and_why(place, listed):
    place.watch["announce_after"] = "any"
    place.store.down.add("b")
    place.put("Show/a.mkv")
    async with place.running() as ledger:
        await until(lambda: _reason(ledger, "Show/a.mkv"))
        row = (await listed.rows(state=("published",)))["Show/a.mkv"]
        assert row["why"] == "is announced; still to be brought to b; b does not answer"
        assert (row["destinations"], row["owed"]) == (["a"], ["b"])
        figures = {
            one.labels["location"]: one.value
            for one in await place.figures()
            if one.name == "acquisition_owed"
        }
        assert figures == {"a": 0, "b": 1}
        place.store.down.clear()
        await until(in_states(ledger, a="done"))
        assert (await listed.rows())["Show/a.mkv"]["owed"] == []
