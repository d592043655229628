"""`izumi-admin stats` on real locations."""

import json
from pathlib import Path
from typing import Any

import pytest

from izumi.commands import stats
from izumi.compose.stats import Looked
from izumi.tools import stats as figures
from tests.support.keeper import Keeper
from tests.support.library import SHOW, fill, wild_names
from tests.support.nats import NatsServer
from tests.support.remotes import Place, Remotes

DUTIES = """
[[acquisition.watch]]
path = "/watch"
destinations = ["nas"]
[encoder.main]
destinations = ["nas"]
[distributor.public]
destinations = ["cloud"]
"""


def episodes(*numbers: int) -> list[str]:
    return [
        f"{shelf}/{SHOW}/{SHOW} - {number:02} [1080p].{ending}"
        for shelf, ending in (("Airing", "mkv"), ("Airing [Hardsub]", "mp4"))
        for number in numbers
    ]


@pytest.fixture
def places(keeper: Keeper, remotes: Remotes) -> tuple[Place, Place]:
    """A local location and one behind WebDAV, and a configuration that knows them."""
    nas, cloud = remotes.place("local"), remotes.place("webdav")
    with keeper.config.open("a") as file:
        file.write(
            f'[rclone]\nconfig = "{remotes.config}"\n'
            f'[storage.nas]\nremote = "{nas.location.remote}"\n'
            f'[storage.cloud]\nremote = "{cloud.location.remote}"\n{DUTIES}'
        )
    return nas, cloud


async def told(keeper: Keeper, *args: object, code: int = 0) -> dict[str, list[dict[str, Any]]]:
    ended, out, complaints = await keeper.ends("stats", *args, "--json")
    assert ended == code, complaints
    found: dict[str, list[dict[str, Any]]] = {}
    for line in out.splitlines():
        row = json.loads(line)
        found.setdefault(row.pop("kind"), []).append(row)
    return found


async def test_figures_and_what_is_missing_without_a_bus(
    keeper: Keeper, places: tuple[Place, Place], nats_server: NatsServer
) -> None:
    nats_server.stop()
    nas, cloud = places
    fill(nas, episodes(1, 2, 3)[:-1])
    fill(cloud, [*episodes(1), "Premiered/Old/Old - 1.mkv"])
    found = await told(keeper)
    rows = {(row["show"], row["place"]): row for row in found["show"]}
    ours = rows[SHOW, "nas"]
    assert (ours["episodes"], ours["softsubs"], ours["hardsubs"]) == (3, 3, 2)
    assert (ours["bytes"], ours["missing"]) == (5 * 32, 1)
    assert ours["newest"].startswith("2026-01-01T00:00:04")
    assert rows[SHOW, "cloud"]["missing"] == 4
    assert rows["Old", "nas"]["missing"] == 2
    assert {
        (one["place"], one["sub"], one["key"].rpartition("/")[2]) for one in found["missing"]
    } == {
        ("nas", "hardsub", f"{SHOW} - 03 [1080p].mp4"),
        ("cloud", "softsub", f"{SHOW} - 02 [1080p].mkv"),
        ("cloud", "softsub", f"{SHOW} - 03 [1080p].mkv"),
        ("cloud", "hardsub", f"{SHOW} - 02 [1080p].mp4"),
        ("cloud", "hardsub", f"{SHOW} - 03 [1080p].mp4"),
        ("nas", "softsub", "Old - 1.mkv"),
        ("nas", "hardsub", "Old - 1.mp4"),
        ("cloud", "hardsub", "Old - 1.mp4"),
    }
    assert {(row["place"], row["episodes"]) for row in found["total"]} == {("nas", 3), ("cloud", 2)}


async def test_one_show_and_one_location_alone(keeper: Keeper, places: tuple[Place, Place]) -> None:
    nas, cloud = places
    fill(nas, [*episodes(1), "Airing/Other/Other - 1.mkv"])
    fill(cloud, episodes(1))
    found = await told(keeper, "--show", SHOW)
    assert {row["show"] for row in found["show"]} == {SHOW}
    assert "missing" not in found
    found = await told(keeper, "--at", "cloud")
    assert {row["place"] for row in found["show"]} == {"cloud"}
    assert "Sousou no Frieren" in await keeper.refused("stats", "--show", "Sousou no Friren")
    assert "there is no [storage.x]" in await keeper.refused("stats", "--at", "x")
    assert "no name of a folder" in await keeper.refused("stats", "--show", "../..")


async def test_a_location_that_is_away_stops_no_other(
    keeper: Keeper, places: tuple[Place, Place], tmp_path: Path
) -> None:
    fill(places[0], episodes(1))
    fill(places[1], episodes(1))
    with keeper.config.open("a") as file:
        file.write(
            f'[distributor.far]\ndestinations = ["far"]\n[storage.far]\nremote = "{tmp_path}/far"\n'
        )
    found = await told(keeper, code=1)
    assert {row["place"] for row in found["total"]} == {"nas", "cloud"}
    assert "missing" not in found
    (away,) = found["away"]
    assert away["place"] == "far"
    code, out, _ = await keeper.ends("stats")
    assert code == 1
    assert "far is away, nothing of it is counted or judged" in out


async def test_what_cannot_be_judged_is_said(keeper: Keeper, places: tuple[Place, Place]) -> None:
    fill(places[0], episodes(1))
    text = keeper.config.read_text()
    keeper.config.write_text(
        text + '[distributor.public.filter]\nshows = ["Other"]\n'
        '[distributor.later]\ndestinations = ["cloud"]\ndeliver = "new"\n'
        '[[acquisition.watch]]\npath = "/other"\ndestinations = ["cloud"]\n'
    )
    found = await told(keeper)
    assert "missing" not in found
    notes = [one["text"] for one in found["note"]]
    assert [note.partition(":")[0] for note in notes] == [
        "acquisition",
        "distributor.public",
        "distributor.later",
    ]


async def test_hours_of_a_group_are_no_reason_to_miss_a_file(
    keeper: Keeper, places: tuple[Place, Place]
) -> None:
    fill(places[0], episodes(1))
    with keeper.config.open("a") as file:
        file.write('[distributor.public.filter]\nquiet = "23:00-07:00"\nsubs = ["hardsub"]\n')
    found = await told(keeper)
    assert [(one["place"], one["sub"]) for one in found["missing"]] == [("cloud", "hardsub")]


async def test_names_of_strangers(keeper: Keeper, places: tuple[Place, Place]) -> None:
    names = sorted({name.rpartition(".")[0] for name in wild_names(300)} - {""})
    paths = [f"Airing/{name[:60].strip(' .')}/{name[:200]}.mkv" for name in names]
    paths = [path for path in paths if "//" not in path]
    fill(places[0], paths)
    found = await told(keeper)
    assert found["total"][0]["softsubs"] == len(set(paths))
    assert sum(row["softsubs"] for row in found["show"]) == found["total"][0]["softsubs"]
    _, out, _ = await keeper.ends("stats")
    assert all(line.isprintable() for line in out.replace("\t", " ").splitlines())


@pytest.mark.parametrize("show", ["\x1b[31mred", "[bold]x[/bold]", "tab\there", "\u202egnp"])
def test_names_that_would_write_on_the_terminal_do_not(
    show: str, capsys: pytest.CaptureFixture[str]
) -> None:
    one = figures.Missing(show=show, place="nas", sub="softsub", key=f"{show}/1.mkv", by="x")
    row = figures.Row(
        show=show,
        place="nas",
        episodes=1,
        softsubs=1,
        hardsubs=0,
        bytes=2048,
        newest=None,
        superseded=0,
        missing=1,
    )
    looked = Looked(
        figures.Stats(rows=(row,), totals=(row,), missing=(one,)), {"far": show}, {"nas": 2}
    )
    stats._as_tables(looked, ["a note"])
    stats._as_lines(looked, ["a note"])
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert ("[bold]" in out) == ("[bold]" in show)
    assert "2.0 KiB" in out
    assert "paths that lead nowhere" in out
