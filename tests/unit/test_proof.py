"""How a stored file is proved, by what its storage can do."""

import pytest

from izumi.storage import proof
from izumi.storage.meter import Meter
from izumi.storage.proof import LOCAL, Abilities, abilities, trusted, way

LARGE = 1 << 30
SMALL = 1 << 20


def of(name: str = "x", *hashes: str, kind: str = "somewhere", **features: bool) -> Abilities:
    return abilities(
        {"Name": name, "Hashes": list(hashes), "Features": features, "String": f"{kind} x"}
    )


def test_nothing_said_is_nothing_that_it_can():
    none = abilities({})
    assert not none.hashes
    assert not none.moves
    assert not none.copies


def test_renaming_or_copying_by_itself_lets_a_file_appear_at_once():
    assert of(Move=True).moves
    assert of(Copy=True).moves
    assert not of(PutStream=True).moves


@pytest.mark.parametrize(
    ("storage", "size", "how"),
    [
        (of("sftp", "md5", "sha1", SlowHash=True), LARGE, "sha1"),
        (of("drive", "md5", "sha1", "sha256"), LARGE, "sha256"),
        (of("onedrive", "quickxor"), LARGE, "quickxor"),
        (of("dropbox", "dropbox"), LARGE, "dropbox"),
        (of("odd", "crc32", "mailru"), LARGE, "read"),
        (of("crypt"), LARGE, "read"),
        (of("nextcloud", "sha1", "md5", kind="webdav root"), LARGE, "read"),
        (of("s3", "md5", BucketBased=True), SMALL, "md5"),
        (of("s3", "md5", BucketBased=True), LARGE, "read"),
        (LOCAL, LARGE, "read"),
    ],
)
def test_a_hash_is_trusted_only_where_the_storage_took_it_of_what_it_holds(
    storage: Abilities, size: int, how: str
):
    assert way(storage, "hash", size) == how
    assert way(storage, "read", size) == "read"
    assert way(storage, "size", size) == "size"


def test_a_hash_that_the_other_side_does_not_have_is_of_no_use():
    drive = of("drive", "md5", "sha1")
    assert way(drive, "hash", LARGE, comparable=("md5",)) == "md5"
    assert way(drive, "hash", LARGE, comparable=("sha256",)) == "read"
    assert way(drive, "hash", LARGE, comparable=()) == "read"


def test_what_a_bucket_says_of_a_large_file_is_what_it_was_told():
    bucket = of("s3", "md5", BucketBased=True)
    assert trusted(bucket, SMALL) == ("md5",)
    assert trusted(bucket, LARGE) == ()
    assert "crc32" not in proof.LOCAL.hashes


def test_a_meter_tells_one_fraction_over_all_phases():
    told: list[float] = []
    meter = Meter(told.append, 200)
    send, read = meter.phase(100), meter.phase(100)
    send(50)
    send(500)  # rclone counts a retried part twice
    read(50)
    meter.finish()
    assert told == [0.25, 0.5, 0.75, 1.0]


def test_a_meter_without_bytes_or_listener_is_content():
    Meter(None, 0).phase(0)(5)
    told: list[float] = []
    meter = Meter(told.append, 0)
    meter.phase(0)(0)
    meter.finish()
    assert told == [0.0, 1.0]
