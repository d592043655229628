"""Contracts that their owners published: found through IZUMI_TEST_DATA, never copied."""

import gzip
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest


def published(name: str) -> Path:
    """A file below `contracts/`; skips the test where there is none."""
    path = Path(os.environ.get("IZUMI_TEST_DATA", "../shared")) / "contracts" / name
    if not path.exists():
        pytest.skip(f"no test data at {path}; set IZUMI_TEST_DATA")
    return path


@cache
def document(name: str) -> Any:
    """A JSON file."""
    return json.loads(published(name).read_bytes())


@cache
def rows(name: str) -> tuple[Any, ...]:
    """A packed file with one JSON value a line."""
    with gzip.open(published(name), "rt", encoding="utf-8") as lines:
        return tuple(json.loads(line) for line in lines)


def is_there(name: str) -> bool:
    """Whether a test that can do with less has the whole."""
    return (Path(os.environ.get("IZUMI_TEST_DATA", "../shared")) / "contracts" / name).exists()
