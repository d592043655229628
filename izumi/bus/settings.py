"""How the bus is reached, and the server that may run inside: `[bus]` and `[bus.embedded]`."""

import ipaddress
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from izumi.bus import topology


class EmbeddedSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A nats-server that this process runs as its child.

    Attributes:
        host: A loopback address: the embedded server asks for no key. Servers that other
            hosts reach are set up with `nats/single.conf` or `nats/cluster.conf`.
        port: 0 takes any free one.
        store_dir: Where it keeps its messages; None: `nats` in the state folder.
        max_file_bytes: Most that the streams may take on disk.
        binary: Path of nats-server; None: the one that was installed with Izumi.
    """

    host: str = "127.0.0.1"
    port: int = 4222
    store_dir: Path | None = None
    max_file_bytes: int = 8 << 30
    binary: Path | None = None

    def __post_init__(self) -> None:
        if not _is_loopback(self.host):
            raise ValueError(
                f"host {self.host!r} can be reached from elsewhere, and the embedded server asks "
                "for no key; use 127.0.0.1, or a nats-server of its own with nats/single.conf"
            )
        if not 0 <= self.port <= 65535:
            raise ValueError(f"port {self.port} is not within 0 to 65535")
        # The server counts what streams reserve again when it checks a change of them.
        if self.max_file_bytes < 2 * topology.file_bytes():
            raise ValueError(
                f"max_file_bytes {self.max_file_bytes} is too small: the streams reserve "
                f"{topology.file_bytes()}, give twice that"
            )


class BusSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How this process reaches the bus.

    Attributes:
        servers: URLs `nats://host:port` or `tls://host:port`, without passwords.
        seed_file: File that holds the nkey seed of this process's role, for it alone to
            read.
        ca_file: Certificates that the servers are checked against; demands TLS.
        ack_wait_s: A job is given to another instance when its holder was silent so long.
        replicas: On how many servers of a cluster each stream is kept.
        embedded: Run a server here; then `servers` is not used.
    """

    servers: tuple[str, ...] = ("nats://127.0.0.1:4222",)
    seed_file: Path | None = None
    ca_file: Path | None = None
    ack_wait_s: float = 10.0
    replicas: Literal[1, 3] = 1
    embedded: EmbeddedSettings | None = None

    def __post_init__(self) -> None:
        if not self.servers:
            raise ValueError("servers is empty: give at least one nats://host:port")
        for server in self.servers:
            _check_server(server)
        if self.ack_wait_s < 1:
            raise ValueError(f"ack_wait_s {self.ack_wait_s} is too short: give 1 or more")
        if self.embedded is not None and self.replicas != 1:
            raise ValueError("replicas 3 needs a cluster; the embedded server is one: give 1")


def _check_server(server: str) -> None:
    parts = urlsplit(server)
    # What is in front of "@" may be a password: it is not repeated.
    shown = server.rpartition("@")[2]
    if parts.username or parts.password:
        raise ValueError(f"server ...@{shown} carries a secret: put the key into seed_file")
    if parts.scheme not in {"nats", "tls"} or not parts.hostname:
        raise ValueError(f"server {shown!r} is not nats://host:port or tls://host:port")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
