"""`[notifier.<group>]` and its neighbours: what is wrong is one clear error."""

import tomllib
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import msgspec
import pytest

from izumi.clients.settings import AnilistSettings, DiscordSettings, KitsuSettings
from izumi.consumers.notifier_settings import NotifierSettings
from izumi.domain.secret import Secret

URL = "https://discord.com/api/webhooks/1/canary"


def hook(kind: type, value: Any) -> Any:
    return Path(value) if kind is Path else Secret(value)


def read(text: str, kind: type = NotifierSettings) -> Any:
    return msgspec.convert(tomllib.loads(text), kind, dec_hook=hook)


@pytest.mark.parametrize(
    ("announce", "fault"),
    [
        (["distributed.vault", "acquired"], None),
        (["encode"], "did you mean `encoded`"),
        (["distributed."], "is no fact"),
        (["held"], "known are acquired, encoded, distributed|did you mean"),
    ],
)
def test_facts_to_announce_are_named_as_they_are(announce, fault):
    text = f'[[discord]]\nname = "a"\nurl = "{URL}"\nannounce = {announce}\n'
    with pytest.raises(msgspec.ValidationError, match=fault) if fault else nullcontext():
        read(text)


def test_an_empty_table_logs():
    settings = read("")
    assert settings.logs
    assert settings.announce == ("acquired", "encoded")


def test_a_webhook_takes_the_place_of_the_log_unless_both_are_wanted():
    one = f"[[discord]]\nname = 'a'\nurl = '{URL}'\n"
    assert not read(one).logs
    assert read("log = true\n" + one).logs
    assert not read("log = false").logs
    target = read(one).discord[0]
    assert target.announce == ("acquired", "encoded")
    assert target.url.reveal() == URL
    assert "canary" not in repr(read(one))


def test_everything_may_be_said():
    settings = read(
        "facts_within_s = 5\njobs = 2\ntier = 1\ndeliver = 'all'\n"
        "[[discord]]\nname = 'a'\nurl_file = 'hook'\ntemplate = 'compact'\n"
        "link_base = 'https://files.example/x'\nannounce = ['distributed']\n"
    )
    assert settings.discord[0].url_file == Path("hook")
    assert settings.discord[0].template == "compact"


APPRISE = "[[apprise]]\nname = 'b'\nurl = 'json://canary@host'\n"


def test_other_services_are_targets_too():
    settings = read(APPRISE + "format = 'html'\ntimeout_s = 5\n")
    assert not settings.logs
    assert settings.apprise[0].format == "html"
    assert "canary" not in repr(settings)


def test_dev_tells_the_targets_for_trying_out_and_nobody_else():
    both = f"[[discord]]\nname = 'a'\nurl = '{URL}'\n{APPRISE}dev = true\n"
    quiet, trying = read(both), read("dev = true\n" + both)
    assert [one.name for one in quiet.told_on_discord + quiet.told_by_apprise] == ["a"]
    assert [one.name for one in trying.told_on_discord + trying.told_by_apprise] == ["b"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"[[discord]]\nname = ''\nurl = '{URL}'", "must be a text"),
        (f"[[discord]]\nname = 'log'\nurl = '{URL}'", "not `log`"),
        ("[[discord]]\nname = 'a'", "one of them"),
        (f"[[discord]]\nname = 'a'\nurl = '{URL}'\nurl_file = 'x'", "one of them"),
        (f"[[discord]]\nname = 'a'\nurl = '{URL}'\nlink_base = 'ftp://x'", "link_base"),
        (f"[[discord]]\nname = 'a'\nurl = '{URL}'\nlink_base = 'https://{'x' * 500}'", "500"),
        (f"[[discord]]\nname = 'a'\nurl = '{URL}'\n" * 2, "two targets are called 'a'"),
        (f"[[discord]]\nname = 'a'\nurl = '{URL}'\nannounce = ['held']", "held"),
        (f"{APPRISE}[[discord]]\nname = 'b'\nurl = '{URL}'", "two targets are called 'b'"),
        (f"{APPRISE}timeout_s = inf", "timeout_s"),
        (f"{APPRISE}format = 'bbcode'", "format"),
        (f"dev = true\n{APPRISE}", "nobody would be told"),
        ("jobs = 0", "jobs"),
        ("facts_within_s = -1", "facts_within_s"),
        ("facts_within_s = nan", "facts_within_s"),
        ("webhook = 'x'", "unknown field"),
    ],
)
def test_what_is_wrong_is_named_and_no_address_shown(text, problem):
    with pytest.raises(msgspec.ValidationError, match=problem) as caught:
        read(text)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "text", "problem"),
    [
        (AnilistSettings, "url = 'graphql.anilist.co'", "https://host/path"),
        (AnilistSettings, "url = 'https://[::1'", "https://host/path"),
        (AnilistSettings, "per_minute = 0", "from 1 to 90"),
        (AnilistSettings, "timeout_s = 0", "timeout_s"),
        (AnilistSettings, "fresh_h = -1", "fresh_h"),
        (KitsuSettings, "url = 'x'", "https://host/path"),
        (KitsuSettings, "timeout_s = nan", "timeout_s"),
        (DiscordSettings, "timeout_s = -1", "timeout_s"),
        (DiscordSettings, "host = 'x'", "unknown field"),
    ],
)
def test_the_services_tables_are_checked(kind, text, problem):
    with pytest.raises(msgspec.ValidationError, match=problem):
        read(text, kind)


def test_services_have_defaults():
    assert read("", AnilistSettings).url == "https://graphql.anilist.co"
    assert read("", AnilistSettings).per_minute == 25
    assert read("", KitsuSettings).url == "https://kitsu.app/api/edge"
    assert read("", DiscordSettings).hosts == ()
