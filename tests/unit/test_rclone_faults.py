"""What rclone's texts mean, and that they tell no secret."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.domain.errors import ConfigError, StorageUnavailable
from izumi.storage.rcd import argv
from izumi.storage.rclone_binary import check_version
from izumi.storage.rclone_faults import clean, fault
from izumi.storage.settings import RcloneSettings


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("object not found", "missing"),
        ("error in ListJSON: directory not found", "missing"),
        ("api error NoSuchKey: The specified key does not exist.", "missing"),
        ('didn\'t find section in config file ("x")', "config"),
        ("read metadata failed: 401 Unauthorized: 401 Unauthorized", "denied"),
        ("https response error StatusCode: 403, api error Forbidden: Forbidden", "denied"),
        ("NewFs: couldn't connect SSH: ssh: unable to authenticate, attempted", "denied"),
        ("open /srv/x: permission denied", "denied"),
        ("couldn't fetch token - maybe it has expired? invalid_grant", "denied"),
        ("write /srv/x: no space left on device", "full"),
        ("googleapi: Error 403: The user's Drive storage quota has been exceeded", "full"),
        ("507 Insufficient Storage", "full"),
        ("write /x: file too large", "full"),
        ("open /srv/xxxx: file name too long", "name"),
        ("dial tcp 127.0.0.1:9: connect: connection refused", "away"),
        ("dial tcp: lookup nas: no such host", "away"),
        ("net/http: timeout awaiting response headers", "away"),
        ("500 Internal Server Error", "away"),
        ("", "away"),
    ],
)
def test_each_text_has_its_meaning(text: str, kind: str):
    found = fault("vault", 500, text)
    assert isinstance(found, StorageUnavailable)
    assert found.kind == kind
    assert str(found).startswith("vault: ")
    assert found.host == (kind in {"config", "denied"})
    assert (found.retry_after_s is not None) == (kind == "full")


def test_the_status_of_what_is_missing_counts_more_than_the_text():
    assert fault("vault", 404, "whatever 403").kind == "missing"


HUSH = "hush-Hush_1234"


@pytest.mark.parametrize(
    "text",
    [
        f"Propfind http://user:{HUSH}@nas/x: refused",
        f"Get https://s3/x?X-Amz-Signature={HUSH}&a=b: refused",
        f"bad pass={HUSH}",
        f'bad "password": "{HUSH}"',
        f"secret_access_key = {HUSH}",
        f"Authorization: Bearer {HUSH}",
        f"Authorization: Basic {HUSH}",
        f"bearer {HUSH} refused",
        f"refresh_token: {HUSH},",
        f"api_key={HUSH}; x",
        f"session {HUSH * 4} gone",
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str):
    assert HUSH not in clean(text)
    assert "***" in clean(text)


@pytest.mark.parametrize(
    "text",
    [
        "dial tcp 127.0.0.1:9: connect: connection refused",
        'Head "http://nas:8080/library/Airing/Show/Show%20-%2001.mkv": timeout',
        "api error NoSuchKey: The specified key does not exist.",
        "open /srv/anime/Airing/Show/Show - 01 [1080p].mkv: permission denied",
    ],
)
def test_what_helps_is_left(text: str):
    assert clean(text) == text


@given(st.text(max_size=2000))
def test_any_text_becomes_one_bounded_line(text: str):
    shown = clean(text)
    assert len(shown) <= 300
    assert "\n" not in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_the_command_line_has_every_limit_and_one_configuration():
    settings = RcloneSettings(bwlimit="08:00,1M", idle_timeout_s=2.5)
    line = argv(Path("/bin/rclone"), Path("/run/x/1.sock"), settings, "/etc/rclone.conf")
    assert line[:3] == ["/bin/rclone", "rcd", "--rc-no-auth"]
    assert {
        "--rc-addr=unix:///run/x/1.sock",
        "--config=/etc/rclone.conf",
        "--bwlimit=08:00,1M",
        "--timeout=2.5s",
        "--contimeout=15s",
        "--retries=1",
        "--ask-password=false",
    } <= set(line)
    assert "--config=" in argv(Path("r"), Path("s"), RcloneSettings(), "")


@pytest.mark.parametrize("said", [[1, 75, 1], [1, 75, 2], [2, 0, 0]])
def test_a_new_rclone_will_do(said: list[int]):
    check_version(Path("/bin/rclone"), said)


@pytest.mark.parametrize(
    ("said", "shown"),
    [([1, 75, 0], "1.75.0"), ([1, 60, 1], "1.60.1"), (None, "unknown"), ([], "unknown")],
)
def test_an_old_rclone_will_not_and_the_way_out_is_told(said: object, shown: str):
    with pytest.raises(ConfigError, match=rf"/bin/rclone is version {shown}, and 1\.75\.1 .*leave"):
        check_version(Path("/bin/rclone"), said)
