"""Log lines: one each, no secrets, nothing that moves a terminal."""

import io
import json
import unicodedata

import structlog
from hypothesis import given
from hypothesis import strategies as st

from izumi.runtime import telemetry


def lines_of(*names: str, secrets: tuple[str, ...] = (), format_: telemetry.Format = "json"):
    out = io.StringIO()
    telemetry.configure("info", format_, secrets, out)
    try:
        for name in names:
            structlog.get_logger().info("file.seen", name=name, facts={"x": [name]})
    finally:
        structlog.reset_defaults()
    return out.getvalue()


@given(st.lists(st.text(), min_size=1, max_size=5))
def test_every_record_is_one_line_of_json_without_control_or_bidi_characters(
    names: list[str],
) -> None:
    written = lines_of(*names)
    assert written.count("\n") == len(names)
    moving = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert not {unicodedata.category(char) for char in written.replace("\n", "")} & moving
    assert all(json.loads(line)["event"] == "file.seen" for line in written.splitlines())


@given(st.text(min_size=1))
def test_a_console_record_is_one_line_too(name: str) -> None:
    assert lines_of(name, format_="console").count("\n") == 1


def test_secrets_and_webhook_addresses_are_masked_wherever_they_stand() -> None:
    url = "https://discord.com/api/webhooks/123/abc-DEF_tokentoken"
    written = lines_of(f"posting to {url}!", "key is hunter2hunter2", secrets=("hunter2hunter2",))
    assert "tokentoken" not in written
    assert "hunter2" not in written
    assert written.count("***") == 4


def test_a_traceback_is_in_its_record_and_is_masked() -> None:
    out = io.StringIO()
    telemetry.configure("info", "json", ("swordfish",), out)
    try:
        int("swordfish \x1b[31m")
    except ValueError:
        structlog.get_logger().exception("job.crashed")
    finally:
        structlog.reset_defaults()
    record = json.loads(out.getvalue())
    assert "ValueError" in record["exception"]
    assert "swordfish" not in out.getvalue()
    assert "\x1b" not in record["exception"]


def test_warnings_of_libraries_take_the_same_way() -> None:
    import logging

    out = io.StringIO()
    telemetry.configure("info", "json", ("swordfish",), out)
    try:
        logging.getLogger("lib").warning("it said %s", "swordfish\nsecond line")
    finally:
        structlog.reset_defaults()
        logging.getLogger().handlers.clear()
    assert out.getvalue().count("\n") == 1
    assert "swordfish" not in out.getvalue()
