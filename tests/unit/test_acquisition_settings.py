"""What a person may write under `[acquisition]`."""

from pathlib import Path

import msgspec
import pytest

from izumi.domain.errors import ConfigError
from izumi.publishers.acquisition import AcquisitionSettings
from izumi.publishers.acquisition.settings import uids


def read(**watch):
    document = {"watch": [{"path": "/w", "destinations": ["a"]} | watch]}
    return msgspec.convert(document, AcquisitionSettings, dec_hook=lambda kind, value: Path(value))


def test_a_folder_and_a_destination_are_enough():
    (watch,) = read().watch
    assert (watch.source, watch.priority, watch.quiet_s) == ("keep", "normal", 10.0)
    assert ".mkv" in watch.rules().extensions


@pytest.mark.parametrize(
    ("watch", "reason"),
    [
        ({"destinations": []}, "name at least one"),
        ({"destinations": ["a", "a"]}, "named twice"),
        ({"extensions": []}, "name at least one"),
        ({"quiet_s": -1}, "must be 0 or more"),
        ({"path": "relative"}, "must be absolute"),
        ({"source": "shred"}, "Invalid enum value"),
        ({"source": "trash", "trash_days": 0}, "trash_days: 0.0 must be more than 0"),
        ({"source": "move"}, 'belongs to source = "move", which needs it'),
        ({"move_to": "/m"}, 'belongs to source = "move", which needs it'),
        ({"source": "move", "move_to": "m"}, "move_to: 'm' must be absolute"),
        ({"source": "move", "move_to": "/w/done"}, "must not lie in the watch folder"),
        ({"announce_after": "some"}, "Invalid enum value"),
        ({"show": "???"}, "is no title"),
        ({"season": -1}, "is not between"),
        ({"anilist_id": 0}, "is not between"),
        ({"quite_s": 1}, "unknown field"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_place(watch, reason):
    with pytest.raises(msgspec.ValidationError, match=reason) as caught:
        read(**watch)
    assert "watch" in str(caught.value)


def test_files_of_this_user_of_root_and_of_those_named_are_taken():
    (watch,) = read(owners=["root", 4242]).watch
    assert watch.owners == ("root", 4242)
    numbers = {"torrent": 107}
    owners = uids(("torrent", 4242), own=1000, of_name=numbers.__getitem__)
    assert owners == frozenset((0, 107, 1000, 4242))
    assert uids((), own=1000, of_name=numbers.__getitem__) == frozenset((0, 1000))
    assert uids(("*",), own=1000, of_name=numbers.__getitem__) is None


def test_an_owner_that_this_host_does_not_know_is_named():
    (watch,) = read(owners=["nobody of this name"]).watch
    with pytest.raises(ConfigError, match="/w: owners: this host has no user 'nobody of"):
        watch.rules()


@pytest.mark.parametrize("name", ["jobs", "sweep_s", "claim_s", "stuck_after_s", "held_again_s"])
def test_numbers_must_be_positive(name):
    with pytest.raises(msgspec.ValidationError, match=name):
        msgspec.convert({name: 0}, AcquisitionSettings)
