"""What rclone's error texts mean, said without secrets."""

import re
from typing import Final, Literal

from izumi.domain.errors import StorageUnavailable

Kind = Literal["missing", "denied", "full", "name", "config", "stalled", "away"]
"""missing: no such file. denied: wrong credentials, or not allowed. full: no room or over
quota. name: the storage cannot hold such a name. config: rclone.conf is wrong. stalled:
ended since nothing moved. away: anything else; it did not answer or refused for now."""

_FULL_RETRY_S: Final = 600.0
_TEXT: Final = 300

# The first that matches counts. rclone reports no codes, and only three texts with a
# status of their own; these were seen with 1.75 and in its sources.
_KINDS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    (
        "config",
        re.compile(
            r"didn't find (section in config|backend)|unable to decrypt|"
            r"not found in config|failed to load config",
            re.IGNORECASE,
        ),
    ),
    (
        "full",
        re.compile(
            r"no space left|quota|insufficient (storage|space)|storage ?full|disk full|"
            r"not enough (space|storage)|507 |file too large",
            re.IGNORECASE,
        ),
    ),
    ("name", re.compile(r"name too long|KeyTooLong|invalid (file|object) ?name", re.IGNORECASE)),
    ("missing", re.compile(r"(object|directory|file|key) not found|NoSuchKey|no such file")),
    (
        "denied",
        re.compile(
            r"\b40[13]\b|unauthori[sz]ed|forbidden|access ?denied|permission denied|"
            r"unable to authenticate|invalid_grant|InvalidAccessKey|SignatureDoesNotMatch|"
            r"(token|credentials?) .*(expired|invalid|missing)|empty token|read-only file",
            re.IGNORECASE,
        ),
    ),
)

_SECRETS = (
    (re.compile(r"(\w://)[^/@\s\"']*@"), r"\1***@"),  # user:password@
    (re.compile(r"(://[^\s\"'?]*)\?[^\s\"']*"), r"\1?***"),  # signatures in queries
    (
        re.compile(
            r"(?i)\b(\w*pass(?:word)?|\w*secret\w*|\w*token|\w*signature|credential\w*|"
            r"(?:api|access|private|account)[_ -]?key\w*|authorization|bearer)"
            r"(\"?\s*[:=]\s*|\s+)(bearer\s+|basic\s+)?\"?[^\s,;\"']+"
        ),
        r"\1\2***",
    ),
    (re.compile(r"[A-Za-z0-9+_=-]{40,}"), "***"),
)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


class RcloneFault(StorageUnavailable):
    """What an rclone call ended with.

    Attributes:
        kind: What it means for the file.
    """

    def __init__(self, place: str, kind: Kind, text: str) -> None:
        super().__init__(
            f"{place}: {text}",
            retry_after_s=_FULL_RETRY_S if kind == "full" else None,
            # Wrong on this host only: another instance may have what it takes.
            host=kind in {"config", "denied"},
        )
        self.kind = kind


def fault(place: str, status: int, text: str) -> RcloneFault:
    """An error of ours for one of rclone's.

    Args:
        place: The location's name.
        status: Of the HTTP answer, or 500 for a job.
        text: rclone's own; what looks like a secret in it is masked.
    """
    kind = "missing" if status == 404 else _kind(text)
    return RcloneFault(place, kind, clean(text))


def _kind(text: str) -> Kind:
    return next((kind for kind, sign in _KINDS if sign.search(text)), "away")


def clean(text: str) -> str:
    """One bounded line without anything that looks like a secret."""
    text = _CONTROLS.sub(" ", text).strip()
    for secret, mask in _SECRETS:
        text = secret.sub(mask, text)
    return text if len(text) <= _TEXT else f"{text[: _TEXT - 3]}..."
