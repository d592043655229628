"""The connection to NATS: it comes back for ever, and says loudly what it is refused."""

import asyncio
import contextlib
import ssl
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import nats.errors
import nkeys
import structlog
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from izumi.bus.client import Client, status, translated
from izumi.bus.settings import BusSettings
from izumi.domain.errors import BusUnavailable, ConfigError, IzumiError, Rejected, UserError
from izumi.domain.subjects import token

log = structlog.get_logger("izumi.bus")

_REPEAT_S: Final = 30.0
_HEADERS_BYTES: Final = 1024


def inbox_prefix(role: str) -> str:
    """Subject below which the answers to a role come; no other role may listen there."""
    return f"_INBOX_{token(role)}"


class Connection:
    """One connection that comes back for ever, and requests over it. Made by `connect`."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.nc = Client()
        self.refused: dict[str, str] = {}
        """Lower-case subject that the server refused us -> its words."""
        self.epoch = 0
        """How often the connection was lost: what waited at the server then is gone."""
        self._clock = clock
        self._wakers: set[Callable[[], None]] = set()
        self._changed = asyncio.Event()
        self._waiting: dict[str, tuple[str, asyncio.Future[Msg]]] = {}
        self._answers = ""
        self._count = 0
        self._told: dict[str, float] = {}
        self._shut_out: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def connected(self) -> bool:
        """Whether a server can be reached now, as far as is known."""
        return self.nc.is_connected

    @property
    def closed(self) -> bool:
        """Whether it was closed for good."""
        return self.nc.is_closed

    async def open(self, settings: BusSettings, *, name: str, role: str, wait_s: float) -> None:
        """Connect for the first time. See `connect`."""
        options = _options(settings, name, role)
        self.nc.demands_tls = settings.ca_file is not None
        connecting = asyncio.create_task(
            self.nc.connect(
                list(settings.servers),
                error_cb=self._on_error,
                disconnected_cb=self._on_disconnected,
                reconnected_cb=self._on_reconnected,
                lame_duck_mode_cb=self._on_lame_duck,
                **options,
            )
        )
        try:
            await asyncio.wait(
                {connecting, self._shut_out},
                timeout=wait_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
            self._check_connected(connecting, settings)
            with translated():
                self._answers = self.nc.new_inbox()
                await self.nc.hear(f"{self._answers}.*", self._on_answer)
        except BaseException:
            connecting.cancel()
            await asyncio.wait({connecting})
            await self.aclose()
            raise
        # Not an error any more when it comes: a later one is logged, and we come back.
        self._shut_out.cancel()
        log.info("bus.connected", server=self.nc.connected_url and self.nc.connected_url.netloc)

    def _check_connected(self, connecting: asyncio.Task[None], settings: BusSettings) -> None:
        if self._shut_out.done():
            self._shut_out.result()
        if not connecting.done():
            told = ", ".join(self._told) or "no answer"
            raise BusUnavailable(f"no bus at {', '.join(settings.servers)}: {told}")
        with translated():
            connecting.result()

    async def aclose(self) -> None:
        """Send what is pending and close. May be called twice."""
        with contextlib.suppress(nats.errors.Error, OSError, TimeoutError):
            if self.nc.is_connected:
                await self.nc.flush(2)
        with contextlib.suppress(nats.errors.Error, OSError, TimeoutError):
            await self.nc.close()
        self._fail_waiting(BusUnavailable("the connection to the bus was closed"))
        self._wake()

    def watch(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` when the connection comes, goes or is refused something.

        Returns:
            What ends it.
        """
        self._wakers.add(wake)
        return lambda: self._wakers.discard(wake)

    async def ready(self, timeout_s: float) -> bool:
        """Wait until a server can be reached; False when none could be in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not self.nc.is_connected and not self.nc.is_closed:
                    self._changed.clear()
                    await self._changed.wait()
        return self.nc.is_connected

    async def request(
        self,
        subject: str,
        data: bytes = b"",
        *,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 2.0,
    ) -> Msg:
        """Send and wait for the one answer.

        Raises:
            BusUnavailable: No answer in time, nobody there to answer, or cut off.
            UserError: Our role may not send to this subject.
            Rejected: The message is too big.
        """
        self.check_size(data)
        if not self.nc.is_connected:
            raise BusUnavailable("not connected to the bus")
        self._count += 1
        key = str(self._count)
        future: asyncio.Future[Msg] = asyncio.get_running_loop().create_future()
        self._waiting[key] = (subject, future)
        try:
            with translated():
                await self.nc.publish(
                    subject,
                    data,
                    reply=f"{self._answers}.{key}",
                    headers=None if headers is None else dict(headers),
                )
            async with asyncio.timeout(timeout_s):
                answer = await future
        except TimeoutError as exc:
            raise BusUnavailable(f"no answer within {timeout_s:g} s to {subject}") from exc
        finally:
            del self._waiting[key]
        if status(answer) == "503":
            raise BusUnavailable(f"nobody takes {subject} now")
        return answer

    async def send(
        self, subject: str, data: bytes = b"", *, headers: Mapping[str, str] | None = None
    ) -> None:
        """Send without an answer. Raises BusUnavailable when cut off: nothing is kept."""
        if not self.nc.is_connected:
            raise BusUnavailable("not connected to the bus")
        with translated():
            await self.nc.publish(subject, data, headers=None if headers is None else dict(headers))

    async def pull(self, subject: str, data: bytes, *, reply: str) -> None:
        """Send a request whose answers come elsewhere. Raises BusUnavailable."""
        if not self.nc.is_connected:
            raise BusUnavailable("not connected to the bus")
        with translated():
            await self.nc.publish(subject, data, reply=reply)

    async def subscribe(self, subject: str, on_message: Callable[[Msg], None]) -> Subscription:
        """Listen; kept over reconnections. `on_message` must not raise.

        Raises BusUnavailable.
        """
        with translated():
            return await self.nc.hear(subject, on_message)

    async def unsubscribe(self, subscription: Subscription) -> None:
        """Stop listening, after what was on its way has come. Never fails."""
        if self.nc.is_connected:
            with contextlib.suppress(nats.errors.Error, OSError, TimeoutError):
                async with asyncio.timeout(2.0):
                    await subscription.drain()  # type: ignore[no-untyped-call]  # nats-py left it so
        self.nc.forget(subscription)

    async def settled(self, subject: str) -> None:
        """Return when the server knows of a subscription to this subject.

        Raises:
            UserError: Our role may not listen there.
            BusUnavailable: The server did not answer.
        """
        with translated():
            await self.nc.flush(5)
        self.check_allowed(subject)

    def check_allowed(self, subject: str) -> None:
        """Raise UserError, once, when the server refused us this subject since."""
        words = self.refused.pop(subject.lower(), None)
        if words is not None:
            raise UserError(f"our role may not do this on the bus: {words}")

    async def probe(self) -> None:
        """Leave a server that does not answer: frozen, or cut off without a word."""
        try:
            await self.nc.flush(1)
        except (nats.errors.Error, OSError, TimeoutError):
            if self.nc.is_connected:
                log.warning("bus.silent")
                await self.nc.force_reconnect()

    def check_size(self, data: bytes) -> None:
        """Raise Rejected for what the server would close the connection on."""
        most = self.nc.max_payload - _HEADERS_BYTES
        if len(data) > most:
            raise Rejected(f"a message of {len(data)} bytes is too big: the bus takes {most}")

    def _on_answer(self, msg: Msg) -> None:
        waiting = self._waiting.get(msg.subject.rpartition(".")[2])
        if waiting is not None and not waiting[1].done():
            waiting[1].set_result(msg)

    def _fail_waiting(self, error: IzumiError, subject: str | None = None) -> None:
        for asked, future in self._waiting.values():
            if (subject is None or asked.lower() == subject) and not future.done():
                future.set_exception(error)

    def _wake(self) -> None:
        self._changed.set()
        for wake in tuple(self._wakers):
            wake()

    async def _on_disconnected(self) -> None:
        self.epoch += 1
        if not self.nc.is_closed:
            log.warning("bus.disconnected")
        self._fail_waiting(BusUnavailable("the connection to the bus was lost"))
        self._wake()

    async def _on_reconnected(self) -> None:
        self._told.clear()
        log.info("bus.reconnected", server=self.nc.connected_url and self.nc.connected_url.netloc)
        self._wake()

    async def _on_lame_duck(self) -> None:
        log.warning("bus.lame_duck")
        # The only server keeps serving us until it ends; another one can at once.
        if self.nc.has_other_servers:
            await self.nc.force_reconnect()

    async def _on_error(self, exc: Exception) -> None:
        text = str(exc) or type(exc).__name__
        if "permissions violation" in text:
            # nats-py gives the server's words in lower case.
            subject = text.partition('"')[2].partition('"')[0]
            log.error("bus.refused", subject=subject, error=text)
            self.refused[subject] = text
            self._fail_waiting(UserError(f"our role may not do this on the bus: {text}"), subject)
            self._wake()
            return
        if "authorization violation" in text.lower() and not self._shut_out.done():
            self._shut_out.set_exception(UserError("the bus refuses our key: see bus.seed_file"))
        now = self._clock()
        if now - self._told.get(text, float("-inf")) >= _REPEAT_S:
            self._told[text] = now
            log.warning("bus.error", error=text)


def _options(settings: BusSettings, name: str, role: str) -> dict[str, Any]:
    options: dict[str, Any] = {
        "name": name,
        "inbox_prefix": inbox_prefix(role) if role else "_INBOX",
        "max_reconnect_attempts": -1,
        "reconnect_time_wait": 0.25,
        "connect_timeout": 3,
        # A frozen server is left after some 5 s, before a lease of 10 s ends.
        "ping_interval": 2,
        "max_outstanding_pings": 2,
        "drain_timeout": 10,
        "pending_size": 8 << 20,
    }
    if settings.seed_file is not None:
        _check_seed(settings.seed_file)
        options["nkeys_seed"] = str(settings.seed_file)
    if settings.ca_file is not None:
        try:
            options["tls"] = ssl.create_default_context(cafile=settings.ca_file)
        except OSError as exc:
            raise ConfigError(f"bus.ca_file {settings.ca_file} cannot be used: {exc}") from exc
    return options


def _check_seed(path: Path) -> None:
    try:
        nkeys.from_seed(bytearray(path.read_bytes().strip())).wipe()
    except OSError as exc:
        raise ConfigError(f"bus.seed_file {path} cannot be read: {exc.strerror}") from exc
    except (nkeys.NkeysError, ValueError) as exc:
        # The text of the error is left out: it could hold a part of the seed.
        raise ConfigError(f"bus.seed_file {path} holds no nkey seed (S...)") from exc


async def connect(
    settings: BusSettings, *, name: str, role: str = "", wait_s: float = 10.0
) -> Connection:
    """Connect to the bus.

    Args:
        settings: Where and with which key.
        name: Of this process, for people who look at the server's connections.
        role: Role of the key, which has an inbox of its own. Empty: no permissions.
        wait_s: How long the first connection may take; later ones are tried for ever.

    Raises:
        BusUnavailable: No server could be reached in time.
        UserError: The server refuses our key.
        ConfigError: A file of the settings cannot be used.
    """
    connection = Connection()
    await connection.open(settings, name=name, role=role, wait_s=wait_s)
    return connection
