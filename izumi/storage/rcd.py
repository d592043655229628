"""One running `rclone rcd`: a child that listens on a socket which only we can reach."""

import asyncio
import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import aiohttp
import msgspec

from izumi import children
from izumi.domain.errors import ToolFailed
from izumi.storage.rclone_binary import check_version
from izumi.storage.rclone_faults import clean
from izumi.storage.settings import RcloneSettings

START_S: Final = 60.0
"""How long a start may take on a busy host; 0.25 s is usual."""

_GRACE_S: Final = 5.0
# What the way to a storage may need; everything else of the environment stays here,
# above all RCLONE_*, which could name other remotes and options.
_PASSED: Final = (
    "RCLONE_CONFIG_PASS",
    "SSH_AUTH_SOCK",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    *(f"{scheme}_proxy" for scheme in ("http", "https", "no")),
    *(f"{scheme}_PROXY" for scheme in ("HTTP", "HTTPS", "NO")),
)


class Gone(Exception):
    """The daemon did not answer: it died, or hangs."""


class Answer(NamedTuple):
    """What it said: the HTTP status, and the JSON object."""

    status: int
    body: dict[str, Any]


def argv(
    binary: Path,
    socket: Path,
    settings: RcloneSettings,
    config: str,
) -> list[str]:
    """The command line; it holds no secret, every user of the host can read it.

    Args:
        binary: rclone.
        socket: Where it is to listen.
        settings: Limits.
        config: Path of rclone.conf; "" for none.
    """
    options = {
        "rc-addr": f"unix://{socket}",
        "rc-job-expire-duration": "10m",  # a result is there even if we were frozen
        "config": config,
        "cache-dir": str(socket.parent / "cache"),
        "contimeout": f"{settings.connect_timeout_s:g}s",
        "timeout": f"{settings.idle_timeout_s:g}s",
        "retries": "1",
        "low-level-retries": str(settings.low_level_retries),
        "stats": "0",
        "log-level": "NOTICE",
        "ask-password": "false",
        # A WebDAV server that may overwrite removes what lies at a file's new name before it
        # looks whether the old one is still there: another host was quicker.
        "header": "Overwrite: F",
        **({"bwlimit": settings.bwlimit} if settings.bwlimit else {}),
    }
    # The folder of the socket is mode 0700: whoever reaches it is us, or root.
    return [
        str(binary),
        "rcd",
        "--rc-no-auth",
        *(f"--{name}={value}" for name, value in options.items()),
    ]


class Daemon:
    """A running rcd. Made by `Daemon.start`.

    Attributes:
        version: As rclone writes it.
    """

    def __init__(self, child: children.Child, session: aiohttp.ClientSession) -> None:
        self._child = child
        self._session = session
        self.version = ""

    @classmethod
    async def start(
        cls,
        binary: Path,
        socket: Path,
        settings: RcloneSettings,
        *,
        config: str = "",
        environ: Mapping[str, str] = os.environ,
    ) -> "Daemon":
        """Start one and wait until it answers.

        Raises:
            ConfigError: It is too old.
            ToolFailed: It does not start.
        """
        child = await children.start(
            argv(binary, socket, settings, config),
            cwd=socket.parent,
            env={name: environ[name] for name in _PASSED if name in environ},
        )
        session = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(str(socket), limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        daemon = cls(child, session)
        async with contextlib.AsyncExitStack() as undo:
            undo.push_async_callback(daemon.stop)
            about = await daemon._answers()
            check_version(binary, about.get("decomposed"))
            daemon.version = str(about["version"])
            undo.pop_all()
        return daemon

    async def _answers(self) -> dict[str, Any]:
        """Wait until it listens; what it says of its version."""
        try:
            async with asyncio.timeout(START_S):
                while self.alive:
                    with contextlib.suppress(Gone):
                        return (await self.ask("core/version", {}, START_S)).body
                    await asyncio.sleep(0.01)
        except TimeoutError as exc:
            raise ToolFailed(f"rclone does not answer {START_S:g} s after its start") from exc
        await self._child.wait()
        said = clean(self._child.stderr[-1000:]) or "nothing"
        raise ToolFailed(
            f"rclone ended at its start with {self._child.returncode}; it said: {said}", host=True
        )

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._child.returncode is None

    @property
    def pid(self) -> int:
        """Process id."""
        return self._child.pid

    @property
    def log(self) -> str:
        """The last lines that it wrote."""
        return self._child.stderr

    async def ask(self, command: str, params: Mapping[str, Any], within_s: float) -> Answer:
        """Call one of its commands. Left early, rclone is told by the closed connection.

        Raises:
            Gone: It does not answer.
            TimeoutError: The command took longer than `within_s`.
        """
        if self._session.closed:
            raise Gone("it was ended")
        url = f"http://rclone/{command}"
        try:
            async with self._session.post(
                url,
                data=msgspec.json.encode(params),
                headers={"Content-Type": "application/json"},
                timeout=aiohttp.ClientTimeout(total=within_s),
            ) as answer:
                body = await answer.read()
        except aiohttp.ClientError as exc:
            raise Gone(type(exc).__name__) from exc
        try:
            return Answer(answer.status, msgspec.json.decode(body, type=dict[str, Any]))
        except msgspec.MsgspecError as exc:
            raise Gone("an answer that is no JSON object") from exc

    async def stop(self, grace_s: float = _GRACE_S) -> None:
        """End it and everything that it was doing; returns when it is gone."""
        try:
            await self._child.stop(grace_s)
        finally:
            await self._session.close()
