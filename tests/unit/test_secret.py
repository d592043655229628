"""What must never be shown is not shown, however it is printed."""

import copy
import io
import pickle
import traceback
from pathlib import Path

import msgspec
import pytest
import structlog

from izumi.clients.secret_file import secret
from izumi.domain.errors import ConfigError
from izumi.domain.secret import Secret, dec_hook, enc_hook

CANARY = "canary-7Qm2"


class Holder(msgspec.Struct, frozen=True):
    url: Secret


def test_no_way_of_printing_shows_a_secret():
    value = Secret(CANARY)
    holder = Holder(value)
    out = io.StringIO()
    structlog.wrap_logger(structlog.PrintLogger(out)).info("event", url=value, holder=holder)
    shown = [str(value), repr(value), f"{value}", f"{value:>12}", f"{value!r}", "%s" % value]  # noqa: UP031 - one of the ways
    shown += [repr(holder), str([value]), str({"url": value}), out.getvalue()]
    assert not any(CANARY in text for text in shown)
    assert str(value) == "***"


def test_a_secret_neither_joins_texts_nor_is_pickled():
    with pytest.raises(TypeError):
        "".join(["a", Secret(CANARY)])  # type: ignore[list-item]  # the mistake is the point
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Secret(CANARY))
    with pytest.raises(TypeError, match="not pickled"):
        copy.deepcopy(Secret(CANARY))


def test_secrets_are_compared_by_what_they_hold():
    assert Secret(CANARY) == Secret(CANARY)
    assert Secret("ü\ud800") == Secret("ü\ud800")
    assert Secret(CANARY) != Secret("other")
    assert Secret(CANARY) != CANARY
    assert len({Secret(CANARY), Secret(CANARY)}) == 1


def test_msgspec_reads_a_secret_and_writes_its_mask():
    holder = msgspec.convert({"url": CANARY}, Holder, dec_hook=dec_hook)
    assert holder.url.reveal() == CANARY
    assert msgspec.json.encode(holder, enc_hook=enc_hook) == b'{"url":"***"}'
    with pytest.raises(NotImplementedError):
        msgspec.json.encode({"path": Path()}, enc_hook=enc_hook)
    with pytest.raises(NotImplementedError):
        dec_hook(Path, "x")


@pytest.mark.parametrize("value", ["", 7, [CANARY]])
def test_a_value_that_is_no_secret_is_refused_without_showing_it(value):
    with pytest.raises(msgspec.ValidationError, match=r"not empty - at `\$\.url`") as caught:
        msgspec.convert({"url": value}, Holder, dec_hook=dec_hook)
    assert CANARY not in str(caught.value)


def test_a_secret_comes_inline_or_from_a_file(tmp_path: Path):
    file = tmp_path / "webhook"
    file.write_text(f"{CANARY}\n")
    assert secret(None, file, "x: url").reveal() == CANARY
    assert secret(Secret("inline"), None, "x: url").reveal() == "inline"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file"),
        (b"", "alone, on one line"),
        (f"{CANARY}\n{CANARY}".encode(), "alone, on one line"),
        (CANARY.encode() + b"\xff", "not UTF-8"),
        (CANARY.encode() * 2000, "alone, on one line"),
    ],
)
def test_a_file_without_one_secret_is_one_clear_error_without_it(tmp_path, content, reason):
    file = tmp_path / "webhook"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=reason) as caught:
        secret(None, file, "notifier.a discord 1: url")
    text = "".join(traceback.format_exception(caught.value))
    assert str(file) in str(caught.value)
    assert CANARY not in text


@pytest.mark.parametrize(("inline", "file"), [(None, None), (Secret(CANARY), Path("f"))])
def test_neither_or_both_is_an_error(inline, file):
    with pytest.raises(ConfigError, match="_file"):
        secret(inline, file, "notifier.a discord 1: url")
