"""`izumi run`: one unit of the configuration, supervised."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from izumi import compose
from izumi.commands.options import ConfigFile, load
from izumi.runtime.shutdown import Shutdown
from izumi.runtime.supervisor import Supervisor
from izumi.settings import Settings


def run(
    unit: Literal[
        "acquisition", "encoder", "distributor", "notifier", "endpoints", "gateway", "all"
    ],
    *,
    group: Annotated[str | None, Parameter(name=["--group", "-g"])] = None,
    config: ConfigFile = None,
    supervise: bool = True,
) -> int:
    """Run one unit on this host, until stopped.

    The first SIGTERM or Ctrl-C finishes what runs, the second lets go of it.

    Args:
        unit: Which one; "all" runs every unit that the configuration has.
        group: Only this group of it.
        config: See below.
        supervise: Keep a parent beside the instance that restarts it and hands back the
            jobs of one that died; leave it out under another supervisor.
    """
    settings = load(config)
    wanted = (
        compose.configured(settings) if unit == "all" else compose.chosen(settings, unit, group)
    )
    if not supervise:
        return asyncio.run(_here(settings, wanted))
    options = ["--group", group] if group else []
    argv = command(unit, *options, config=config)
    return asyncio.run(_supervised(settings, argv))


def command(unit: str, *options: str, config: Path | None) -> list[str]:
    """The argv of an instance without a supervisor of its own."""
    file = ["--config", str(config.absolute())] if config else []
    return [sys.executable, "-m", "izumi", "run", unit, *options, *file, "--no-supervise"]


async def _here(settings: Settings, wanted: list[compose.Wanted]) -> int:
    shutdown = Shutdown()
    shutdown.install()
    await compose.run(settings, wanted, shutdown)
    return 0


async def _supervised(settings: Settings, argv: list[str]) -> int:
    shutdown = Shutdown()
    shutdown.install()
    return await supervisor(settings, argv).run(shutdown)


def supervisor(settings: Settings, argv: list[str]) -> Supervisor:
    """The parent of an instance with this command."""
    return Supervisor(
        argv,
        lambda replies: compose.hand_back(settings, replies),
        grace_s=settings.worker.drain_s + 15,
    )
