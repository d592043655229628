"""`[bus]` and `[bus.embedded]`."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from izumi.bus.settings import BusSettings, EmbeddedSettings


def load(text: str) -> BusSettings:
    return msgspec.toml.decode(text, type=BusSettings, dec_hook=lambda kind, value: kind(value))


def test_nothing_is_the_server_of_this_host():
    assert load("") == BusSettings(servers=("nats://127.0.0.1:4222",))


def test_everything_may_be_said():
    settings = load("""
        servers = ["tls://n1:4222", "tls://n2:4222"]
        seed_file = "/etc/izumi/encoder.nk"
        ca_file = "/etc/izumi/ca.pem"
        ack_wait_s = 20
        replicas = 3
    """)
    assert settings.seed_file == Path("/etc/izumi/encoder.nk")
    assert (settings.ack_wait_s, settings.replicas) == (20.0, 3)


def test_the_embedded_server_is_a_table():
    assert load('[embedded]\nport = 0\nhost = "::1"').embedded == EmbeddedSettings(
        host="::1", port=0
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("servers = []", "empty"),
        ('servers = ["http://x:1"]', "http://x:1"),
        ('servers = ["x"]', "nats://host:port"),
        ("ack_wait_s = 0.5", "ack_wait_s 0.5"),
        ("replicas = 2", r"\$.replicas"),
        ("replicas = 3\n[embedded]", "give 1"),
        ("sever = 1", "sever"),
        ('[embedded]\nhost = "192.0.2.7"', "192.0.2.7"),
        ('[embedded]\nhost = "nas.example"', "nas.example"),
        ("[embedded]\nport = 70000", "70000"),
        ("[embedded]\nmax_file_bytes = 1000000", "max_file_bytes 1000000"),
    ],
)
def test_what_cannot_be_is_refused_with_value_and_way_out(text: str, told: str):
    with pytest.raises(msgspec.ValidationError, match=told):
        load(text)


@pytest.mark.parametrize("server", ["nats://user:hunter2@h:4222", "nats://hunter2@h:4222"])
def test_a_password_in_an_address_is_refused_and_not_repeated(server: str):
    with pytest.raises(msgspec.ValidationError, match="seed_file") as caught:
        load(f'servers = ["{server}"]')
    assert "hunter2" not in str(caught.value)


def test_the_defaults_leave_room_for_a_change_of_the_streams():
    defaults: dict[str, Any] = msgspec.structs.asdict(EmbeddedSettings())
    assert EmbeddedSettings(**defaults) == EmbeddedSettings()
