"""nats-py, repaired where it goes deaf or gives up, and its errors turned into Izumi's."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any

import nats.errors
from nats.aio.client import Client as NatsClient
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from izumi.domain.errors import BusUnavailable, IzumiError, Rejected, UserError


def translate(exc: BaseException) -> IzumiError:
    """What a failure below the bus means to the rest of Izumi."""
    text = str(exc) or type(exc).__name__
    match exc:
        case nats.errors.MaxPayloadError() | nats.errors.BadHeaderError():
            return Rejected(f"the bus cannot carry this message: {text}")
        case nats.errors.BadSubjectError():
            return Rejected(f"not a subject: {text}")
        case nats.errors.InvalidUserCredentialsError() | nats.errors.AuthorizationError():
            return UserError(f"the bus does not let us in: {text}")
    return BusUnavailable(f"bus: {text}")


class translated:  # noqa: N801 - used as a function is
    """Raise what `translate` makes of a foreign error inside the block.

    A class, since a generator would be a tenth of what a pull costs.
    """

    __slots__ = ()

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(
        self, _kind: object, exc: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Turn the error, if there is one, into one of ours."""
        if isinstance(exc, nats.errors.Error | OSError | TimeoutError):
            raise translate(exc) from exc


class _Ear:
    """Stands where nats-py keeps a queue of messages, and passes each on at once."""

    def __init__(self, on_message: Callable[[Msg], None]) -> None:
        self.put_nowait = on_message

    async def join(self) -> None:
        """Nothing is ever left to wait for."""


class Client(NatsClient):
    """nats-py 2.16 with its known faults repaired."""

    demands_tls = False

    async def _process_pong(self) -> None:
        # The original sets the result of a future that a timed-out flush cancelled; the
        # error ends the read loop, and the connection looks alive but hears nothing.
        if self._pongs:
            future = self._pongs.pop(0)
            if not future.done():
                future.set_result(True)
            self._pongs_received += 1
            self._pings_outstanding = 0

    async def _send_ping(self, future: asyncio.Future[bool] | None = None) -> None:
        # The original sends a PING past what still waits to be sent, so that its answer
        # proves nothing about that.
        if self.is_connected and self._transport is not None and self._pending:
            self._transport.writelines(self._pending)
            self._pending = []
            self._pending_data_size = 0
        await super()._send_ping(future)

    async def _process_err(self, err_msg: str) -> None:
        # The original closes for ever on most errors, among them those of a server that
        # is full or being reconfigured for the moment.
        if "permissions violation" in err_msg:
            await super()._process_err(err_msg)
            return
        error = nats.errors.Error(f"nats: {err_msg}")
        await self._error_cb(error)
        await self._process_op_err(error)

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:  # noqa: FBT001, FBT002 - the signature of nats-py
        if self.demands_tls and initial_connection and not info.get("tls_required"):
            raise nats.errors.SecureConnWantedError
        await super()._process_info(info, initial_connection)

    async def hear(self, subject: str, on_message: Callable[[Msg], None]) -> Subscription:
        """Subscribe; each message is passed on as it is read.

        The queue and the task that nats-py puts between them cost a third of the time of
        a pull. `on_message` must not raise: it would end the reading.
        """
        subscription = await self.subscribe(subject, pending_bytes_limit=0)
        subscription._pending_queue = _Ear(on_message)  # type: ignore[assignment]  # noqa: SLF001
        return subscription

    def forget(self, subscription: Subscription) -> None:
        """Drop a subscription at once, even one whose drain failed.

        Otherwise it would be made again at every reconnection.
        """
        subscription._stop_processing()  # noqa: SLF001 - there is no public way after a failed drain
        for sid in [sid for sid, sub in self._subs.items() if sub is subscription]:
            self._remove_sub(sid)

    @property
    def has_other_servers(self) -> bool:
        """Whether there is another server to go to."""
        return len(self._server_pool) > 1


def status(msg: Msg) -> str:
    """Status of a message that the server itself made; empty for any other."""
    return msg.headers.get("Status", "") if msg.headers and not msg.reply else ""
