"""`izumi up`: everything that the configuration has, on this machine."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import structlog

from izumi import compose
from izumi.bus.server import EmbeddedServer
from izumi.commands.options import ConfigFile, load
from izumi.commands.run import command, supervisor
from izumi.domain.errors import UserError
from izumi.runtime.shutdown import Shutdown
from izumi.settings import Settings

log = structlog.get_logger()


def up(*, config: ConfigFile = None) -> int:
    """Run the bus, where the configuration embeds it, and every unit that it has.

    The first SIGTERM or Ctrl-C finishes what runs, the second lets go of it.

    Args:
        config: See below.
    """
    settings = load(config)
    if not compose.configured(settings) and settings.bus.embedded is None:
        raise UserError("the configuration has no unit to run; see izumi.example.toml")
    return asyncio.run(_up(settings, command("all", config=config)))


async def _up(settings: Settings, argv: list[str]) -> int:
    shutdown = Shutdown()
    shutdown.install()
    async with embedded(settings):
        await compose.prepare_patiently(settings, shutdown)
        if not compose.configured(settings):
            await shutdown.stopping.wait()
            return 0
        return await supervisor(settings, argv).run(shutdown)


@contextlib.asynccontextmanager
async def embedded(settings: Settings) -> AsyncIterator[None]:
    """The embedded server while the block runs, where the configuration has one."""
    if settings.bus.embedded is None:
        yield
        return
    settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    server = EmbeddedServer(settings.bus.embedded, settings.state)
    await server.start()
    try:
        yield
    finally:
        await server.aclose()
