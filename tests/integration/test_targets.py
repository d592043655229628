"""Targets of a configuration, told over real connections."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from izumi import compose
from izumi import settings as settings_
from izumi.clients.discord import Gate
from izumi.clients.http import Http
from izumi.domain.announce import announce
from izumi.domain.errors import ConfigError
from tests.support.discord import fake_discord
from tests.support.gatherer import gatherer
from tests.support.news import BOOKS, acquired, distributed, encoded

NEWS = announce([acquired(), encoded(), distributed("vault")], BOOKS)
CONFIG = """
state = "{state}"
[discord]
hosts = ["{discord}"]
[storage.vault]
remote = "/srv/vault"
hardsub = "Hard [x]"
link_base = "https://vault.example/"
[template.mine]
title = "Mine: {{name}}"
[notifier.main]
log = true
{dev}
[[notifier.main.discord]]
name = "news"
url_file = "hook"
link_base = "https://files.example"
announce = ["encoded", "distributed"]
[[notifier.main.discord]]
name = "trying"
url_file = "hook"
dev = true
[[notifier.main.apprise]]
name = "phone"
url_file = "phone"
template = "mine"
"""


@pytest.fixture
async def targets(tmp_path: Path):
    """The targets of `CONFIG`, with the services that they reach."""
    async with AsyncExitStack() as stack:
        discord = await stack.enter_async_context(fake_discord())
        phone = await stack.enter_async_context(gatherer())
        http = Http()
        stack.push_async_callback(http.aclose)

        def opened(dev: str = ""):
            (tmp_path / "hook").write_text(discord.url().reveal())
            (tmp_path / "phone").write_text(f"json://{phone.address}/x")
            path = tmp_path / "izumi.toml"
            path.write_text(CONFIG.format(state=tmp_path, discord=discord.address, dev=dev))
            settings = settings_.load(path, environ={})
            found = compose.targets(settings, "main", http=http, gate=Gate(), stack=stack)
            return {target.channel.name: target for target in found}, discord, phone

        yield opened


async def test_each_target_tells_with_its_own_template_links_and_kinds(targets, tmp_path):
    found, discord, phone = targets()
    assert list(found) == ["news", "phone", "log"]
    assert found["news"].announce == ("encoded", "distributed")
    for target in found.values():
        await target.channel.send(NEWS, "f" * 32)
    (message,) = discord.messages.values()
    assert discord.refused == []
    fields = {one["name"]: one["value"] for one in message["embeds"][0]["fields"]}
    name = "Hon%20no%20Mori/Hon%20no%20Mori%20-%2007%20%5B1080p%5D.mp4"
    assert fields["Direct links"] == f"[Hardsub](https://files.example/{name})"
    assert fields["Mirrors"] == f"[vault](https://vault.example/Hard%20%5Bx%5D/{name})"
    (request,) = phone.received
    assert request.body["title"] == "Mine: Hon no Mori - 07 [1080p].mp4"
    assert (tmp_path / "announcements.jsonl").exists()


async def test_while_trying_things_out_nobody_else_is_told(targets):
    found, _, _ = targets("dev = true")
    assert list(found) == ["trying", "log"]


@pytest.mark.parametrize("name", ["news", "phone"])
async def test_an_address_that_is_none_is_found_without_calling_anyone(targets, tmp_path, name):
    _, discord, phone = targets()
    settings = settings_.load(tmp_path / "izumi.toml", environ={})
    target = next(one for one in settings.notifier["main"].targets if one.name == name)
    compose.check_target(settings, "main", target)
    (tmp_path / "hook").write_text("https://elsewhere.example/canary")
    (tmp_path / "phone").write_text("canary")
    with pytest.raises(ConfigError, match=rf"\[\[notifier\.main\.\w+\]\] {name}: not") as caught:
        compose.check_target(settings, "main", target)
    assert "canary" not in str(caught.value)
    assert discord.received == phone.received == []
