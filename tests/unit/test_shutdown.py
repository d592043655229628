"""Pausing until asked to stop."""

import asyncio

import pytest

from izumi.runtime.shutdown import Shutdown


async def test_a_pause_ends_when_it_is_over_or_when_asked_to_stop():
    shutdown = Shutdown()
    assert not await shutdown.pause(0.01)
    shutdown.request()
    assert await shutdown.pause(3600)


@pytest.mark.parametrize("later", range(6))
async def test_a_pause_that_is_cancelled_as_it_is_asked_to_stop_is_cancelled(later):
    """Whatever the moment: one that went on would do work that nobody waits for."""
    shutdown = Shutdown()
    pausing = asyncio.create_task(shutdown.pause(3600))
    await asyncio.sleep(0)
    shutdown.request()
    for _ in range(later):
        await asyncio.sleep(0)
    if pausing.cancel():
        with pytest.raises(asyncio.CancelledError):
            await pausing
    else:
        assert await pausing
