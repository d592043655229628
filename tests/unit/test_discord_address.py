"""Only a webhook's address is taken for one, and none is ever shown."""

import traceback

import pytest

from izumi.clients.discord_address import WebhookAddress
from izumi.domain.errors import ConfigError
from izumi.domain.secret import Secret

KEY = "canary_Tok3n-xyz"
GOOD = f"https://discord.com/api/webhooks/123/{KEY}"


def address(url: str, *hosts: str) -> WebhookAddress:
    return WebhookAddress(Secret(url), place="notifier.a discord 1: url", hosts=hosts)


@pytest.mark.parametrize(
    "url",
    [
        GOOD,
        GOOD + "/",
        f" {GOOD}\n",
        GOOD + "?wait=false",
        GOOD.replace("/api/", "/api/v10/"),
        GOOD.replace("discord.com", "discordapp.com"),
        GOOD.replace("discord.com", "ptb.discord.com"),
        GOOD.replace("discord.com", "canary.discord.com"),
    ],
)
def test_the_forms_in_which_discord_shows_it_are_taken(url):
    posted = address(url).new_message().reveal()
    assert posted.endswith(f"/webhooks/123/{KEY}?wait=true")
    assert address(url).message("55").reveal().endswith(f"/webhooks/123/{KEY}/messages/55")


def test_a_thread_is_kept():
    threaded = address(GOOD + "?thread_id=77")
    assert threaded.new_message().reveal() == f"{GOOD}?wait=true&thread_id=77"
    assert threaded.message("5").reveal() == f"{GOOD}/messages/5?thread_id=77"


@pytest.mark.parametrize(
    "url",
    [
        GOOD.replace("https", "http"),
        GOOD.replace("https", "file"),
        GOOD.replace("discord.com", "discord.com.evil.example"),
        GOOD.replace("discord.com", "evil.example"),
        GOOD.replace("discord.com", "discord.com@evil.example"),
        GOOD.replace("discord.com", "user:x@discord.com"),
        GOOD.replace("discord.com", "discord.com:444"),
        GOOD.replace("discord.com", "127.0.0.1"),
        GOOD.replace("discord.com", "[::1"),
        GOOD + "/messages/1",
        GOOD + "/../../x",
        GOOD.replace("123", "abc"),
        GOOD.replace("/api/webhooks", "/webhooks"),
        GOOD + "?thread_id=x",
        "https://discord.com/api/webhooks/123/",
        KEY,
        "",
    ],
)
def test_anything_else_is_one_clear_error_that_does_not_show_it(url):
    with pytest.raises(ConfigError) as caught:
        address(url)
    text = "".join(traceback.format_exception(caught.value))
    assert str(caught.value).startswith("notifier.a discord 1: url: not the address of a webhook")
    assert "copy it from Discord" in str(caught.value)
    assert KEY not in text


def test_a_host_of_the_configuration_may_be_plain_http():
    local = GOOD.replace("https://discord.com", "http://127.0.0.1:8080")
    assert address(local, "127.0.0.1:8080").new_message().reveal().startswith("http://127.0.0.1:")
    with pytest.raises(ConfigError, match="hosts"):
        address(local, "127.0.0.1")


def test_it_is_not_shown():
    shown = address(GOOD)
    assert KEY not in f"{shown!r} {shown} {vars(shown)}"
    assert shown.redacted(f"no such {KEY}") == "no such ***"
