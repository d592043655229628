"""Files that Sonarr and others name: what their messages say, and which path is ours."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.domain.errors import BadEvent
from izumi.publishers.gateway import sonarr
from izumi.publishers.gateway.arrivals import ours
from izumi.publishers.gateway.hooks import named
from izumi.publishers.gateway.settings import PathSettings

DATA = Path(os.environ.get("IZUMI_TEST_DATA", "../shared")) / "contracts/webhooks/sonarr"
OURS = (
    PathSettings(theirs="/downloads", ours=Path("/srv/in")),
    PathSettings(theirs="/downloads/anime", ours=Path("/srv/anime")),
    PathSettings(theirs="D:\\Anime", ours=Path("/srv/win")),
)
OSHI = "/nas-omv/Animes/Oshi no Ko (2023) {tvdb-421069}"
WATCHED = (Path("/srv"),)


def recorded(name: str) -> bytes:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"no recorded payloads at {DATA}; IZUMI_TEST_DATA names their folder")
    return path.read_bytes()


@pytest.mark.parametrize(
    ("name", "paths"),
    [
        (
            "import_complete_oshi_no_ko.json",
            [f"{OSHI}/Oshi no Ko (2023) - S03E06 - 030 - TBA [VOSTFR WEBDL-1080p].mkv"],
        ),
        ("autoscan_westworld.json", ["/TV/Westworld/Season 1/Westworld.S01E01.mkv"]),
        (
            "autoscan_interstellar.json",
            ["/Movies/Interstellar (2014)/Interstellar.2014.UHD.BluRay.2160p.REMUX.mkv"],
        ),
        ("autoscan_rename.json", []),
        ("autoscan_episode_delete.json", []),
        ("autoscan_series_delete.json", []),
        ("autoscan_test.json", []),
    ],
)
def test_recorded_webhooks_name_the_files_that_are_there(name, paths) -> None:
    assert list(sonarr.read(recorded(name)).paths) == paths


def test_what_is_no_webhook_is_one_error() -> None:
    for data in (
        recorded("autoscan_invalid.json"),
        b"[]",
        b"{}",
        b'{"eventType": 1}',
        b"[" * 99999,
    ):
        with pytest.raises(BadEvent):
            sonarr.read(data)
    with pytest.raises(BadEvent, match="no path is in it"):
        sonarr.read(b'{"eventType": "Download", "series": {"path": "/TV"}}')


def test_old_sonarrs_write_keys_with_a_capital_and_packs_name_every_file_once() -> None:
    old = {
        "EventType": "Download",
        "Series": {"Path": "/TV/A"},
        "EpisodeFile": {"RelativePath": "a.mkv"},
    }
    assert sonarr.read(json.dumps(old).encode()).paths == ("/TV/A/a.mkv",)
    files = [{"path": "/TV/A/1.mkv"}, {"path": "/TV/A/2.mkv"}, {"path": "/TV/A/1.mkv"}, {}, 7]
    pack = {"eventType": "Download", "episodeFiles": files}
    complete = pack | {"eventType": "ImportComplete"}
    assert sonarr.read(json.dumps(complete).encode()) == (
        "ImportComplete",
        ("/TV/A/1.mkv", "/TV/A/2.mkv"),
    )
    assert sonarr.read(json.dumps(pack).encode()).paths == ("/TV/A/1.mkv", "/TV/A/2.mkv")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    ["series", "path", "episodeFile", "episodeFiles", "relativePath", ""]
                ),
                inner,
            )
        ),
    )
)
def test_any_payload_is_paths_or_one_error(value) -> None:
    body = {**value, "eventType": "Download"} if isinstance(value, dict) else value
    try:
        heard = sonarr.read(json.dumps(body).encode())
    except BadEvent:
        return
    assert all(isinstance(path, str) for path in heard.paths)


@pytest.mark.parametrize(
    ("path", "mapped"),
    [
        ("/downloads/a.mkv", "/srv/in/a.mkv"),
        ("/downloads", "/srv/in"),
        ("/downloads/anime/S/a.mkv", "/srv/anime/S/a.mkv"),
        ("d:\\anime\\S\\a.mkv", "/srv/win/S/a.mkv"),
        ("/srv/x/a.mkv", "/srv/x/a.mkv"),
    ],
)
def test_a_path_of_theirs_becomes_one_of_ours(path, mapped) -> None:
    assert ours(path, OURS, WATCHED) == mapped


@pytest.mark.parametrize(
    "path",
    [
        "",
        "a.mkv",
        "/downloadsx/a.mkv",
        "/etc/passwd",
        "/srv/../etc/passwd",
        "/downloads/../../etc/passwd",
        "d:\\anime\\..\\..\\x",
        "/srv/a\0b",
        "/srv/" + "x" * 5000,
        "\\\\host\\share\\a.mkv",
    ],
)
def test_nothing_beside_the_watch_folders_is_ever_asked_for(path) -> None:
    with pytest.raises(BadEvent, match="path"):
        ours(path, OURS, WATCHED)


def test_a_hook_names_paths_in_a_form_or_in_json() -> None:
    form = "application/x-www-form-urlencoded"
    assert named(form, b"path=%2Fsrv%2Fa+b%26c.mkv&x=1") == ["/srv/a b&c.mkv"]
    assert named(form, b"path=%2Fsrv%2F%FF.mkv") == ["/srv/\udcff.mkv"]
    assert named("application/json", b'{"path": "/a", "paths": ["/b"]}') == ["/a", "/b"]
    assert named("", b'{"path": "/a", "torrent": {"size": 1}}') == ["/a"]
    for kind, body in (
        ("", b"path=/a"),
        ("", b'{"file": "/a"}'),
        (form, b"/a"),
        (form, b"path="),
        (form, b"\xff"),
        (form, b"path=a&" * 600),
    ):
        with pytest.raises(BadEvent):
            named(kind, body)
