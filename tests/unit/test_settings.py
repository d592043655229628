"""One TOML file: what is good, what is not, and how that is said."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi import settings
from izumi.domain.errors import ConfigError

GOOD = """
state = "state"
[storage.seedbox]
remote = "/srv/a"
[storage.home]
remote = "/srv/b"
[acquisition]
[[acquisition.watch]]
path = "watch"
destinations = ["seedbox"]
[encoder.main]
destinations = ["home"]
[notifier.main]
[[notifier.main.discord]]
name = "hook"
url = "https://discord.com/api/webhooks/1/swordfish"
"""


def load(tmp_path: Path, text: str, **environ: str) -> settings.Settings:
    path = tmp_path / "izumi.toml"
    path.write_text(text, "utf-8")
    return settings.load(path, environ=environ)


def refused(tmp_path: Path, text: str, **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text, **environ)
    line = str(caught.value)
    assert "\n" not in line
    assert "swordfish" not in line
    return line


def test_paths_count_from_the_folder_of_the_file(tmp_path: Path) -> None:
    loaded = load(tmp_path, GOOD)
    assert loaded.state == tmp_path / "state"
    assert loaded.acquisition is not None
    assert loaded.acquisition.watch[0].path == tmp_path / "watch"


def test_the_environment_wins_over_the_file_and_is_read_as_toml(tmp_path: Path) -> None:
    loaded = load(
        tmp_path, GOOD, IZUMI__BUS__ACK_WAIT_S="5", IZUMI__HOST="pc", IZUMI__LOG__LEVEL="debug"
    )
    assert (loaded.bus.ack_wait_s, loaded.host, loaded.log.level) == (5, "pc", "debug")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('name = "hook"', 'nam = "hook"'), "unknown key `nam`; did you mean `name`?"),
        (("[encoder.main]", "[encodr.main]"), "unknown key `encodr`; did you mean `encoder`?"),
        (('destinations = ["home"]', 'destinatons = ["home"]'), "[encoder.main] unknown key"),
        (('remote = "/srv/b"', "remote = 5"), "storage.home.remote: Expected `str`, got `int`"),
        (('["home"]', '["hoem"]'), "did you mean `home`?"),
        (('["home"]', "[]"), "encoder.main"),
        (('["home"]', '["home"]\njobs = 0'), "jobs"),
        (('["home"]', '["home"]\nprofiles = ["smal"]'), "there is no [profile.smal]"),
        (
            ("[encoder.main]", '[profile.x]\ncodec = "hvec"\n[encoder.main]'),
            "profile.x.codec: Invalid enum value 'hvec'; did you mean `hevc`?",
        ),
        (
            ("[encoder.main]", '[profile.x]\ntune = "x"\n[encoder.main]'),
            "known are animation, film, grain",
        ),
        (
            ("[encoder.main]", '[profile.x]\nhardware = ["nvnc"]\n[encoder.main]'),
            "did you mean `nvenc`?",
        ),
        (
            ("[encoder.main]", "[profile.x]\nmax_hight = 720\n[encoder.main]"),
            "unknown key `max_hight`; did you mean `max_height`?",
        ),
        (
            ("[encoder.main]", '[encoder.gpu]\ndestinations = ["home"]\n[encoder.main]'),
            "make files of one name at home; give one of the profiles a suffix",
        ),
        (('["home"]', '["home"]\nhours = "22-8"'), "write it like 22:00-08:00"),
        (('"watch"', '"state/watch"'), "must lie apart"),
        (('"watch"', '"/srv"'), "/srv/a/Airing, which lies in /srv: they would be acquired again"),
        (
            ('"watch"', '"watch"\nsource = "move"\nmove_to = "state/acquisition/done"'),
            "state/acquisition/done must not lie in",
        ),
        (("[encoder.main]", '[encoder."a b"]'), "[encoder.a b]: a name has letters"),
        (('state = "state"', 'state = ""'), "state: Expected a text"),
        (('state = "state"', 'state = "state'), "not TOML"),
        (('state = "state"', ""), "missing required field `state`"),
        (("[acquisition]", "[bus.embedded]\nport = 0\n[acquisition]"), "[bus.embedded] port: 0"),
        (('remote = "/srv/b"', 'remote = "x,y:z"'), "storage.home"),
        (("url =", "url_file = 'x'\nurl ="), "one of them"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_the_way_out(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    assert change[0] in GOOD
    line = refused(tmp_path, GOOD.replace(change[0], change[1], 1))
    assert line.startswith(str(tmp_path / "izumi.toml"))
    assert said in line


def test_the_value_that_is_wrong_is_shown_unless_it_may_be_a_secret(tmp_path: Path) -> None:
    assert "(it is 'fast')" in refused(tmp_path, GOOD + "[worker]\ndrain_s = 'fast'\n")
    wrong = refused(tmp_path, GOOD.replace('url = "https', 'url = 123456 # "https'))
    assert "(it is '***')" in wrong
    assert "123456" not in wrong
    endpoint = '[[endpoints.x.always]]\nname = "x"\nurl = "https://h/x"\nauth = 123456\n'
    assert "123456" not in refused(tmp_path, f"{GOOD}\n{endpoint}")


def test_a_file_that_is_not_there_is_said_with_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"izumi\.example\.toml"):
        settings.find(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="elsewhere"):
        settings.find(None, {"IZUMI_CONFIG": str(tmp_path / "elsewhere")})


def test_what_is_shown_holds_no_secret_and_is_the_configuration_again(tmp_path: Path) -> None:
    import tomli_w

    text = tomli_w.dumps(settings.shown(load(tmp_path, GOOD)))
    assert "swordfish" not in text
    again = load(tmp_path, text.replace('"***"', '"https://discord.com/api/webhooks/1/x"'))
    assert again.encoder == load(tmp_path, GOOD).encoder


def test_every_secret_is_known_to_the_mask(tmp_path: Path) -> None:
    assert settings.secrets(load(tmp_path, GOOD)) == [
        "https://discord.com/api/webhooks/1/swordfish"
    ]


@given(st.dictionaries(st.text(), st.one_of(st.integers(), st.text(), st.booleans()), max_size=4))
def test_whatever_stands_there_is_one_clear_line_or_good(wild: dict[str, object]) -> None:
    import tempfile

    import tomli_w

    with tempfile.TemporaryDirectory() as folder:
        text = tomli_w.dumps({"state": "s", "encoder": {"main": wild}})
        assert "encoder" in refused(Path(folder), text)
