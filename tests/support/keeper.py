"""`izumi-admin` in a keeper's hands: in this process, against a real bus."""

import asyncio
import contextlib
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from izumi import main
from izumi.runtime import telemetry
from tests.support.nats import NatsServer


@pytest.fixture
def keeper(
    tmp_path: Path, nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator["Keeper"]:
    """A keeper of the test's own server. What the test logs does not mix with what is printed."""
    monkeypatch.setattr(telemetry, "configure", lambda *_args, **_more: None)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    yield Keeper(tmp_path, nats_server.url)
    structlog.reset_defaults()


class Keeper:
    """Runs commands over a configuration that knows the bus and nothing else."""

    def __init__(self, folder: Path, url: str) -> None:
        self.config = folder / "keeper.toml"
        self.config.write_text(
            f'state = "{folder / "desk"}"\nhost = "desk"\n[bus]\nservers = ["{url}"]\n'
        )

    async def ends(self, *args: object) -> tuple[int, str, list[str]]:
        """Exit code, output and complaints of a command."""
        return await asyncio.to_thread(self._run, [*map(str, args), "-c", str(self.config)])

    async def __call__(self, *args: object) -> str:
        """Output of a command that succeeds."""
        code, out, complaints = await self.ends(*args)
        assert code == 0, complaints
        return out

    async def refused(self, *args: object) -> str:
        """The one line with which a command is refused."""
        code, out, complaints = await self.ends(*args)
        assert (code, out) == (2, "")
        (line,) = complaints
        return line

    async def rows(self, *args: object) -> list[dict[str, Any]]:
        """What a command lists."""
        return [json.loads(line) for line in (await self(*args, "--json")).splitlines()]

    async def holds(self) -> list[dict[str, Any]]:
        """The open holds."""
        return await self.rows("hold", "list")

    def _run(self, tokens: list[str]) -> tuple[int, str, list[str]]:
        out = io.StringIO()
        complaints: list[str] = []
        with contextlib.redirect_stdout(out):
            code = main.outcome(
                lambda: main.admin(tokens, exit_on_error=False, print_error=False),
                complaints.append,
            )
        return code, out.getvalue(), complaints
