"""Filters and lists in a configuration: what is good, and how it is said what is not."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from izumi import settings
from izumi.domain.errors import ConfigError
from izumi.domain.filters import Filter

PAGE = Path(__file__).resolve().parents[2] / "docs/filters.md"
HOME = 'state = "state"\n[storage.home]\nremote = "/srv/home"\n'


def load(folder: Path, text: str) -> settings.Settings:
    path = folder / "izumi.toml"
    path.write_text(HOME + text, "utf-8")
    return settings.load(path, environ={})


def example() -> str:
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert isinstance(block, str)
    return block


def test_the_example_of_the_page_is_good_and_filters_both_units(tmp_path: Path) -> None:
    loaded = load(tmp_path, example())
    assert loaded.distributor["private"].filter.words == ("gundam",)
    (target,) = loaded.notifier["main"].targets
    assert target.filter.zone == "Europe/Berlin"
    assert loaded.list["friends"].statuses == ("watching", "paused", "planning")


def test_a_filter_that_is_not_given_lets_everything_in(tmp_path: Path) -> None:
    loaded = load(tmp_path, '[distributor.public]\ndestinations = ["home"]\n')
    assert loaded.distributor["public"].filter == Filter()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("[list.friends]", "[list.frends]"), "[distributor.private] filter.lists: there is no"),
        (('subs = ["hardsub"]\nlists = ["friends"]', 'lists = ["x"]'), "] announcements, filter"),
        (("not_shows", "notshows"), "unknown key `notshows`; did you mean `not_shows`?"),
        (('["hardsub"]', '["hardsubs"]'), "did you mean `hardsub`?"),
        (("23:00-07:00", "23-7"), "quiet is '23-7': write it like 22:00-08:00"),
        (("Europe/Berlin", "Europe/Bärlin"), "zone: 'Europe/Bärlin' is not known"),
        (('"anilist"', '"anilst"'), "list.friends.service: Invalid enum value 'anilst'"),
        (('"aki", "ben"', '"aki@home"'), "users: 'aki@home' is no user's name"),
        (("[list.friends]", "[anilist]\nenabled = false\n[list.friends]"), "AniList is not asked"),
        (("[list.friends]", '[list."a.b"]'), "a name has letters, digits"),
        (
            ("[list.friends]", '[myanimelist]\nsite = "myanimelist.net"\n[list.friends]'),
            "site: 'myanimelist.net' must be an address",
        ),
        (
            (
                "[list.friends]",
                '[myanimelist]\nclient_id = "swordfish"\nclient_id_file = "x"\n[list.friends]',
            ),
            "give `client_id` or `client_id_file`, one of them",
        ),
    ],
)
def test_a_mistake_is_one_line_that_says_where_it_is(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    assert change[0] in example()
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, example().replace(*change))
    line = str(caught.value)
    assert said in line
    assert "\n" not in line
    assert "swordfish" not in line


def test_the_client_id_is_masked_wherever_the_configuration_is_shown(tmp_path: Path) -> None:
    loaded = load(tmp_path, '[myanimelist]\nclient_id = "swordfish"\n')
    assert settings.shown(loaded)["myanimelist"]["client_id"] == "***"
    assert "swordfish" not in repr(loaded)
    assert settings.secrets(loaded) == ["swordfish"]


def test_zones_are_known_where_the_system_has_none():
    code = "from izumi.domain.filters import Filter; Filter(quiet='23:00-07:00', zone='Asia/Tokyo')"
    subprocess.run([sys.executable, "-c", code], env={"PYTHONTZPATH": ""}, check=True)
