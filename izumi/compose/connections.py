"""The bus and the store of a process, opened and closed."""

import contextlib
from collections.abc import AsyncIterator, Collection
from pathlib import Path

import msgspec
import structlog

from izumi.bus import jetstream, provision
from izumi.bus.jetstream import JetStreamBus
from izumi.bus.permissions import role_name
from izumi.bus.topology import parse_consumer
from izumi.compose.wanted import memberships
from izumi.domain.errors import BusUnavailable
from izumi.runtime.shutdown import Shutdown
from izumi.settings import Settings
from izumi.storage.ports import Store
from izumi.storage.rclone import Rclone
from izumi.storage.store import RcloneStore

log = structlog.get_logger()


@contextlib.asynccontextmanager
async def bus(settings: Settings, *, name: str, role: str) -> AsyncIterator[JetStreamBus]:
    """A connection to the bus under one role.

    `{role}` in the path of `[bus] seed_file` stands for the role, so that one
    configuration serves several units with a key each.
    """
    ours = settings.bus
    if ours.embedded is not None:
        server = f"nats://{ours.embedded.host}:{ours.embedded.port}"
        ours = msgspec.structs.replace(ours, servers=(server,))
    if ours.seed_file is not None:
        path = Path(str(ours.seed_file).replace("{role}", role))
        ours = msgspec.structs.replace(ours, seed_file=path)
    connected = await jetstream.connect(ours, name=name, role=role)
    try:
        yield connected
    finally:
        await connected.aclose()


async def prepare(settings: Settings) -> None:
    """Make streams and consumers what this configuration needs.

    On a bus with keys that is for `izumi-admin bus apply`, with the key of an admin.
    """
    if settings.bus.seed_file is not None:
        return
    async with bus(settings, name="izumi prepare", role="admin") as connected:
        await provision.apply(
            connected.connection,
            memberships(settings),
            replicas=settings.bus.replicas,
            ack_wait_s=settings.bus.ack_wait_s,
        )


async def prepare_patiently(settings: Settings, shutdown: Shutdown) -> None:
    """As `prepare`, waiting for a bus that is not there yet. Hosts come and go.

    Raises:
        UserError: The bus does not allow it.
    """
    while not shutdown.stopping.is_set():
        try:
            return await prepare(settings)
        except BusUnavailable as exc:
            log.warning("bus.awaited", error=str(exc))
            await shutdown.pause(2.0)
    return None


async def hand_back(settings: Settings, replies: Collection[str]) -> None:
    """Settle leases in the place of an instance that died: others may start at once."""
    by_role: dict[str, list[str]] = {}
    for reply in replies:
        # `$JS.ACK.<stream>.<consumer>...`, or the longer form with domain and account.
        consumer = reply.split(".")[5 if reply.count(".") > 9 else 3]
        unit, group, _ = parse_consumer(consumer)
        by_role.setdefault(role_name(unit, group), []).append(reply)
    for role, ours in by_role.items():
        async with bus(settings, name=f"izumi supervisor of {role}", role=role) as connected:
            for reply in ours:
                await connected.tell(reply, b"-NAK")


@contextlib.asynccontextmanager
async def store(settings: Settings) -> AsyncIterator[Store]:
    """The store of this process, over an rclone of its own."""
    async with Rclone(settings.rclone, state=settings.state) as rclone:
        yield RcloneStore(rclone)
