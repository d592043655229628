"""`izumi-admin notify` in a keeper's hands, on a real bus."""

import pytest

from izumi.consumers.board import Board
from izumi.domain import events
from izumi.runtime.worker import utcnow
from tests.integration.test_notifier_growth import acquired, encoded, group
from tests.support.bus import provisioned
from tests.support.channels import MemoryChannel
from tests.support.discord import UNKNOWN_WEBHOOK, fake_discord
from tests.support.job import FakeJob


@pytest.fixture
async def bus(nats_server):
    async with provisioned(nats_server) as connection:
        yield connection


@pytest.fixture
async def told_of(bus, tmp_path):
    """An episode and its hardsub, told at two targets."""
    channels = [MemoryChannel("one"), MemoryChannel("other")]
    unit = group(*channels, bus=bus)
    await unit(acquired(), FakeJob(tmp_path, unit="notifier", job="acquired-" + "1" * 32))
    await unit(encoded(), FakeJob(tmp_path, unit="notifier", job="encoded-" + "2" * 32))
    return unit, channels


async def test_every_episode_and_target_is_listed(keeper, told_of):
    rows = await keeper.rows("notify", "list")
    assert [(row["show"], row["episodes"], row["target"], row["news"]) for row in rows] == [
        ("Mori", "01", "one", "2/2"),
        ("Mori", "01", "other", "2/2"),
    ]
    assert "Mori" in await keeper("notify", "list", "--show", "mor")
    assert "nothing" in await keeper("notify", "list", "--show", "Umi")


async def test_told_again_is_a_new_message_where_it_was_asked(keeper, bus, told_of, tmp_path):
    unit, (one, other) = told_of
    (row, _) = await keeper.rows("notify", "list")
    await keeper("notify", "resend", row["id"], "--target", "other")
    stored = await bus.latest("izumi.do.notifier.public.>")
    assert len(stored) == 2
    for number, order in enumerate(stored):
        job = FakeJob(tmp_path, unit="notifier", job=f"do-{number:032x}")
        await unit(events.decode_fact(order.data), job)
    assert (len(one.sent), len(other.sent)) == (1, 2)


async def test_an_id_or_target_that_is_not_there_is_one_clear_line(keeper, told_of):
    assert "no message is called 'zzz'" in await keeper.refused("notify", "resend", "zzz")
    (row, _) = await keeper.rows("notify", "list")
    line = await keeper.refused("notify", "resend", row["id"], "--target", "nope")
    assert "was not told at 'nope'; it was at one, other" in line
    assert "name at least one message" in await keeper.refused("notify", "resend")


async def test_what_is_being_told_now_is_not_touched(keeper, bus, told_of):
    (row, _) = await keeper.rows("notify", "list")
    board = Board(bus=bus, group="public", now=utcnow)
    async with board.open("Mori", "token", "job"):
        line = await keeper.refused("notify", "resend", row["id"])
    assert "a notifier is at it" in line


async def test_a_target_is_tried_out(keeper):
    async with fake_discord() as discord:
        with keeper.config.open("a") as config:
            config.write(
                f'[discord]\nhosts = ["{discord.address}"]\n[[notifier.main.discord]]\n'
                f'name = "public"\nurl = "{discord.url().reveal()}"\n'
            )
        assert await keeper("notify", "test", "main") == "public: told\n"
        (body,) = discord.messages.values()
        assert body["embeds"][0]["title"] == "Izumi - 01 [1080p].mkv"
        assert "it tells public" in await keeper.refused("notify", "test", "main", "nope")
        assert "known are main" in await keeper.refused("notify", "test", "nope")


async def test_a_target_that_cannot_be_told_is_an_exit_code(keeper):
    async with fake_discord() as discord:
        with keeper.config.open("a") as config:
            config.write(
                f'[discord]\nhosts = ["{discord.address}"]\n[[notifier.main.discord]]\n'
                f'name = "public"\nurl = "{discord.url().reveal()}"\n'
            )
        discord.script["1"].append(UNKNOWN_WEBHOOK)
        code, out, _ = await keeper.ends("notify", "test", "main")
        assert code == 1
        assert out.startswith("public: webhook public: Discord answered 404")
