"""`[storage.<name>]` and `[rclone]`: what is taken, and what is refused with which words."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.domain.errors import BadKey
from izumi.domain.events import File
from izumi.storage.places import spot, top
from izumi.storage.ports import Location
from izumi.storage.settings import RcloneSettings, StorageSettings, remote_fault


@pytest.mark.parametrize(
    "remote",
    [
        "gdrive:",
        "gdrive:Anime",
        "nas:/volume1/Anime & more",
        "my remote+1@x.y-z:a/b",
        "0:x",
        "/srv/anime",
        "/srv/Müller/アニメ",
        "/",
    ],
)
def test_a_remote_of_the_configuration_or_a_local_folder_is_a_place(remote: str):
    assert StorageSettings(remote=remote).location("x").remote == remote


@pytest.mark.parametrize(
    ("remote", "reason"),
    [
        ("", "is no place"),
        ("anime", "is no place"),
        ("./anime", "is no place"),
        ("~/anime", "is no place"),
        ("-rf", "is no place"),
        (":local:/etc", "options belong into rclone.conf"),
        (":sftp,ssh='touch x':/", "options belong into rclone.conf"),
        ("gdrive,root_folder_id=x:", "options belong into rclone.conf"),
        ("-gdrive:x", "options belong into rclone.conf"),
        (" gdrive:x", "options belong into rclone.conf"),
        ("g/drive:x", "options belong into rclone.conf"),
        ("gdrive:a/../../b", "climbs"),
        ("/srv/../etc", "climbs"),
        ("gdrive:a\nb", "control character"),
        ("gdrive:a\0", "control character"),
        ("gdrive:\udc80", "control character"),
    ],
    ids=ascii,
)
def test_any_other_remote_is_refused_with_the_way_out(remote: str, reason: str):
    with pytest.raises(msgspec.ValidationError, match=reason):
        msgspec.convert({"remote": remote}, StorageSettings)


@given(st.text())
def test_no_text_that_is_taken_can_describe_a_remote_on_the_spot(text: str):
    if remote_fault(text) is None and not text.startswith("/"):
        name = text.partition(":")[0]
        assert name
        assert not set(name) & set(",:='\"/\\")
        assert name[0] not in "-: "


@pytest.mark.parametrize(
    ("folder", "reason"),
    [("../x", "dots"), ("/x", "is empty"), ("x/", "is empty"), ("a:b", "':'"), ("-x", "option")],
)
@pytest.mark.parametrize("name", ["softsub", "hardsub", "premiered", "premiered_hardsub"])
def test_a_folder_that_leaves_its_root_or_is_not_legal_everywhere_is_refused(
    name: str, folder: str, reason: str
):
    with pytest.raises(msgspec.ValidationError, match=rf"{name} .*no folder below.*{reason}"):
        msgspec.convert({"remote": "x:", name: folder}, StorageSettings)


def test_a_show_that_ended_has_somewhere_else_to_go():
    with pytest.raises(msgspec.ValidationError, match="softsub and premiered are both 'A'"):
        msgspec.convert({"remote": "x:", "softsub": "A", "premiered": "A"}, StorageSettings)


def test_an_unknown_policy_or_key_is_refused():
    for wrong in ({"verify": "maybe"}, {"colour": "red"}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({"remote": "x:", **wrong}, StorageSettings)


def test_a_location_is_what_its_settings_say():
    settings = StorageSettings(remote="x:y", softsub="A/B", hardsub="C", verify="read")
    at = settings.location("vault")
    assert at == Location(name="vault", remote="x:y", softsub="A/B", hardsub="C", verify="read")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("stall_s", 0),
        ("call_s", -1),
        ("connect_timeout_s", float("inf")),
        ("idle_timeout_s", float("nan")),
        ("transfers", 0),
        ("low_level_retries", 0),
        ("bwlimit", "--config=/etc/passwd"),
        ("bwlimit", ""),
    ],
)
def test_a_limit_that_is_none_is_refused_by_name(key: str, value: object):
    with pytest.raises(msgspec.ValidationError, match=key):
        msgspec.convert({key: value}, RcloneSettings)


@pytest.mark.parametrize("limit", ["10M", "off", "1.5M:500k", "08:00,512k 12:00,10M 23:00,off"])
def test_a_limit_as_rclone_writes_it_is_taken(limit: str):
    assert RcloneSettings(bwlimit=limit).bwlimit == limit


# --- what becomes of them ----------------------------------------------------------------


def file(key: str, sub: str = "softsub") -> File:
    return File(key=key, size=1, sha256=None, sub=sub)  # type: ignore[arg-type]  # a literal


@pytest.mark.parametrize(
    ("at", "sub", "fs", "path"),
    [
        (Location(name="x", remote="r:"), "softsub", "r:", "Airing/S/e.mkv"),
        (Location(name="x", remote="r:b/c"), "none", "r:b/c/", "Airing/S/e.mkv"),
        (Location(name="x", remote="/srv/a/"), "hardsub", "/srv/a/", "Airing [Hardsub]/S/e.mkv"),
        (Location(name="x", remote="r:b", softsub=""), "softsub", "r:b/", "S/e.mkv"),
        (Location(name="x", remote="r:b", softsub="A/B"), "softsub", "r:b/", "A/B/S/e.mkv"),
    ],
)
def test_a_file_lies_in_the_folder_of_its_kind(at: Location, sub: str, fs: str, path: str):
    found = spot(file("S/e.mkv", sub), at)
    assert (found.fs, found.path) == (fs, path)
    assert found.beside("f").path == path.replace("e.mkv", "f")


def test_only_a_folder_of_this_host_has_a_path_here():
    assert spot(file("S/e.mkv"), Location(name="x", remote="r:/srv")).local is None
    here = spot(file("S/e.mkv"), Location(name="x", remote="/srv/"))
    assert str(here.local) == "/srv/Airing/S/e.mkv"
    assert top(Location(name="x", remote="/srv"), "A").fs == "/srv/"


@given(st.text(max_size=30))
def test_no_key_leads_out_of_its_folder(key: str):
    at = Location(name="x", remote="r:b")
    try:
        found = spot(file(f"S/{key}"), at)
    except BadKey:
        return
    assert found.path.startswith("Airing/S/")
    assert ".." not in found.path.split("/")
