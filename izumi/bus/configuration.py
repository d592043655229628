"""The server's configuration files, written from the roles.

    python -m izumi.bus.configuration nats             # write both files
    python -m izumi.bus.configuration nats --keys KEYS  # with public keys in place

Without keys each role's key is a variable that the server reads from its environment
(`IZUMI_NKEY_ENCODER_MAIN`), so that the files hold nothing of a particular installation.
`--keys` names a file of JSON: role -> public nkey (U...). `--groups` names the groups,
`encoder.gpu distributor.public ...`; the default is one of each unit, with two
distributors.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from izumi.bus.permissions import Role, roles
from izumi.bus.topology import Membership
from izumi.domain.errors import ConfigError, UserError
from izumi.domain.subjects import token

EXAMPLE: Final = (
    Membership(unit="encoder", group="main"),
    Membership(unit="distributor", group="public"),
    Membership(unit="distributor", group="private"),
    Membership(unit="notifier", group="main"),
    Membership(unit="kisaragi", group="main"),
    Membership(unit="endpoints", group="main"),
)
"""The groups of the files that come with Izumi."""

_PUBLIC_KEY: Final = re.compile(r"U[A-Z2-7]{55}")
_LIMITS: Final = """\
max_payload: 1MB
max_connections: 512
write_deadline: "5s"
ping_interval: "15s"
ping_max: 2
lame_duck_grace_period: "2s"
lame_duck_duration: "30s"
"""
_TLS: Final = (
    'cert_file: "/run/secrets/server.pem", key_file: "/run/secrets/server.key", '
    'ca_file: "/run/secrets/ca.pem"'
)


def variable(role: str) -> str:
    """Name of the environment variable that holds a role's public key."""
    return "IZUMI_NKEY_" + re.sub(r"[^A-Z0-9]", "_", token(role).replace("=2E", "_").upper())


def single_conf(made: Sequence[Role], keys: Mapping[str, str] | None = None) -> str:
    """One server, for a host whose other parts reach it over loopback or a private net.

    Raises:
        ConfigError: A key that is missing or is none.
    """
    return f"""\
# Written by `python -m izumi.bus.configuration`; change the roles there, not here.
# One server on loopback. Every message is on the disk before its receipt.
server_name: izumi
listen: 127.0.0.1:4222
http: 127.0.0.1:8222  # /healthz
{_LIMITS}\
jetstream {{ store_dir: "/data", max_mem: 64M, max_file: 8G, sync_interval: always }}
{_accounts(made, keys)}"""


def cluster_conf(made: Sequence[Role], keys: Mapping[str, str] | None = None) -> str:
    """The same file for each of three servers, which differ in NATS_NAME (n1, n2, n3).

    Raises:
        ConfigError: A key that is missing or is none.
    """
    return f"""\
# Written by `python -m izumi.bus.configuration`; change the roles there, not here.
# Three servers n1, n2, n3 on hosts that do not fail together; NATS_NAME is the server's own.
server_name: $NATS_NAME
listen: 0.0.0.0:4222
http: 127.0.0.1:8222  # /healthz
tls {{ {_TLS}, timeout: 2 }}
{_LIMITS}\
jetstream {{ store_dir: "/data", max_mem: 64M, max_file: 8G, sync_interval: always }}
cluster {{
  name: izumi
  listen: 0.0.0.0:6222
  routes: ["nats-route://n1:6222", "nats-route://n2:6222", "nats-route://n3:6222"]
  tls {{ {_TLS}, verify: true, timeout: 5 }}
}}
{_accounts(made, keys)}"""


def _accounts(made: Sequence[Role], keys: Mapping[str, str] | None) -> str:
    users = "\n".join(_user(role, keys) for role in made if not role.system)
    system = "\n".join(f"    {{ nkey: {_key(role, keys)} }}" for role in made if role.system)
    return f"""\
accounts {{
  IZUMI {{
    jetstream: enabled
    users: [
{users}
    ]
  }}
  SYS {{ users: [
{system}
  ] }}
}}
system_account: SYS
"""


def _user(role: Role, keys: Mapping[str, str] | None) -> str:
    return f"""\
      # {role.name}
      {{ nkey: {_key(role, keys)}, permissions: {{
        publish: {{ allow: {_list(role.publish)} }}
        subscribe: {{ allow: {_list(role.subscribe)} }}
      }} }}"""


def _list(subjects: Iterable[str]) -> str:
    lines = "".join(f"\n          {json.dumps(subject)}" for subject in subjects)
    return f"[{lines}\n        ]"


def _key(role: Role, keys: Mapping[str, str] | None) -> str:
    if keys is None:
        return f"${variable(role.name)}"
    key = keys.get(role.name)
    if key is None:
        raise ConfigError(f"no key for the role {role.name!r}: add its public nkey (U...)")
    if not _PUBLIC_KEY.fullmatch(key):
        # Someone may have given the seed, which must not be shown.
        raise ConfigError(f"the key of {role.name!r} is no public nkey: 56 characters, U first")
    return key


def _memberships(groups: Sequence[str]) -> tuple[Membership, ...]:
    made = []
    for text in groups:
        unit, _, group = text.partition(".")
        if not group:
            raise ConfigError(f"group {text!r}: write unit.group, as in encoder.main")
        made.append(Membership(unit=unit, group=group))
    return tuple(made)


def _keys(path: Path) -> Mapping[str, str]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except OSError as exc:
        raise ConfigError(f"{path} cannot be read: {exc.strerror}") from exc
    except msgspec.DecodeError as exc:
        raise ConfigError(f"{path} is not JSON of role -> public nkey") from exc


def main(argv: Sequence[str] | None = None) -> int:
    """Write `single.conf` and `cluster.conf`; 2 and one line when that cannot be."""
    parser = argparse.ArgumentParser(description="Write the configuration of nats-server.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--keys", type=Path, help="JSON: role -> public nkey")
    parser.add_argument("--groups", nargs="*", help="unit.group ...")
    args = parser.parse_args(argv)
    try:
        members = EXAMPLE if args.groups is None else _memberships(args.groups)
        made = roles(members)
        keys = None if args.keys is None else _keys(args.keys)
        files = {"single.conf": single_conf(made, keys), "cluster.conf": cluster_conf(made, keys)}
        for name, text in files.items():
            (args.folder / name).write_text(text)
    except (UserError, OSError) as exc:
        sys.stderr.write(f"{exc}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
