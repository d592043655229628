"""What Discord answers decides what happens to a webhook."""

import json

import pytest

from izumi.clients.discord_reply import (
    Failed,
    Off,
    Refused,
    Removed,
    Told,
    Wait,
    exhausted_s,
    judge,
)
from izumi.clients.http import Reply, retry_after_s, seconds
from tests.support.published import document, published

HTML = b"<!doctype html>\n<html><title>error code: 1015</title></html>"


def reply(status: int, body: object = None, **headers: str) -> Reply:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, {name.replace("_", "-"): text for name, text in headers.items()}, content)


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (reply(200, {"id": "123", "content": ""}), Told("123")),
        (reply(204, b""), Told("")),
        (reply(200, b"not json"), Told("")),
        (reply(200, {"id": 7}), Told("")),
        (reply(200, {"id": "../../x"}), Told("")),
        (
            reply(429, {"retry_after": 64.57, "global": False}, retry_after="65"),
            Wait(65, everyone=False),
        ),
        (
            reply(429, {"retry_after": 0.3, "global": False}, retry_after="0"),
            Wait(0.3, everyone=False),
        ),
        (
            reply(
                429,
                {"retry_after": 1336.57, "global": False},
                retry_after="1337",
                x_ratelimit_scope="shared",
            ),
            Wait(1337, everyone=False),
        ),
        (reply(429, {"retry_after": 2, "global": True}), Wait(2, everyone=True)),
        (reply(429, {"retry_after": 2}, x_ratelimit_global="true"), Wait(2, everyone=True)),
        (reply(429, {"message": "?"}), Wait(5, everyone=False)),
        (reply(429, {"retry_after": "NaN"}), Wait(5, everyone=False)),
        (reply(429, HTML, retry_after="90"), Wait(90, everyone=True)),
        (reply(429, HTML), Wait(300, everyone=True)),
        (reply(403, HTML, content_type="text/html"), Wait(300, everyone=True)),
        (reply(403, {"code": 50013, "message": "No"}), Off("Discord answered 403: 50013 No")),
        (reply(403, b""), Off("Discord answered 403")),
        (reply(401, {"code": 50027, "message": "Bad"}), Off("Discord answered 401: 50027 Bad")),
        (
            reply(404, {"code": 10015, "message": "Unknown Webhook"}),
            Off("Discord answered 404: 10015 Unknown Webhook"),
        ),
        (reply(404, HTML, content_type="text/html"), Off("Discord answered 404")),
        (reply(404, {"code": 10008, "message": "Unknown Message"}), Removed()),
        (reply(500, HTML), Failed("Discord answered 500")),
        (
            reply(502, {"message": "502: Bad Gateway", "code": 0}),
            Failed("Discord answered 502: 0 502: Bad Gateway"),
        ),
        (reply(408, b""), Failed("Discord answered 408")),
        (reply(301, b""), Failed("Discord answered 301")),
        (
            reply(400, {"code": 50035, "message": "Invalid", "errors": {"embeds": ["long"]}}),
            Refused('Discord answered 400: 50035 Invalid {"embeds":["long"]}'),
        ),
        (reply(413, b""), Refused("Discord answered 413")),
        (reply(400, [1]), Refused("Discord answered 400")),
    ],
)
def test_each_answer_has_its_meaning(answer, verdict):
    assert judge(answer) == verdict


def test_discords_words_cannot_break_a_log_line():
    said = judge(reply(400, {"code": 1, "message": "a\n\x1b[31m\u202eb" + "x" * 5000}))
    assert isinstance(said, Refused)
    assert len(said.reason) < 500
    assert "\n" not in said.reason
    assert "\x1b" not in said.reason


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({}, 0.0),
        ({"x_ratelimit_remaining": "1", "x_ratelimit_reset_after": "9"}, 0.0),
        ({"x_ratelimit_remaining": "0", "x_ratelimit_reset_after": "1.25"}, 1.25),
        ({"x_ratelimit_remaining": "0"}, 1.0),
        ({"x_ratelimit_remaining": "0", "x_ratelimit_reset_after": "soon"}, 1.0),
    ],
)
def test_an_empty_bucket_is_waited_for(headers, wait_s):
    assert exhausted_s(reply(200, {}, **headers)) == wait_s


@pytest.mark.parametrize(
    ("text", "value"),
    [("3", 3), (0.5, 0.5), ("-1", 9), ("inf", 9), ("nan", 9), ("", 9), (None, 9), ([], 9),
     ("1e12", 86400), ("Wed, 21 Oct 2026 07:28:00 GMT", 9)],
)  # fmt: skip
def test_seconds_are_read_whatever_is_written(text, value):
    assert seconds(text, 9) == value


def test_no_header_leaves_the_default():
    assert retry_after_s(reply(429), 60) == 60


def test_every_code_that_the_documents_give_a_webhook_is_a_known_one():
    codes = {row["code"] for row in document("discord/error_codes.json")["json"]}
    assert {10008, 10015, 50027, 50035, 50006} <= codes
    assert "`Retry-After`" in published("discord/docs/rate-limits.mdx").read_text()
