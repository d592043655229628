"""Whatever the files of the earlier system hold: a good configuration, and nothing unsaid."""

import copy
from pathlib import Path
from typing import Any

import tomli_w
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from izumi import settings
from izumi.domain.errors import UserError
from izumi.moving.convert import convert
from izumi.moving.document import Document, parse_toml, parse_yaml
from izumi.moving.draft import Options
from izumi.moving.reader import leaves
from izumi.moving.rows import told
from tests.support import old_configs as old
from tests.unit.test_convert import lost

KNOWN: list[Any] = [
    (parse_toml if name.endswith(".toml") else parse_yaml)(Path(name), text).data
    for name, text in {**old.V4, **{f"v5/{name}": text for name, text in old.V5.items()}}.items()
]
UNITS = [name.partition("/")[0].partition(".")[0] for name in [*old.V4, *old.V5]]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 70_000),
    st.floats(allow_nan=False),
    st.text(max_size=20),
    st.sampled_from(
        # What is right somewhere, and wrong elsewhere.
        """
        r:a/b|r:|/srv/x|/|/srv/watch/a|Airing|Premiered|main|log|..|a/../b|Airing [Hardsub]|
        https://one.example/notify|https://[|yes|1|65536|/v1|encode|-threads|--bwlimit|
        --bwlimit 5M --x|'|~|
        """.replace("\n        ", "").split("|")
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["url", "auth", "name", "a", "group1"]), inner, max_size=3),
    ),
    max_leaves=6,
)


def put(data: Any, trail: tuple[Any, ...], value: Any) -> None:
    for step in trail[:-1]:
        data = data[step]
    data[trail[-1]] = value


def take(data: Any, trail: tuple[Any, ...]) -> None:
    for step in trail[:-1]:
        data = data[step]
    if isinstance(data, dict):
        del data[trail[-1]]


@st.composite
def changed(draw: st.DrawFn) -> tuple[str, Any]:
    """A file of a unit with keys taken away, given other values, or made up."""
    number = draw(st.integers(0, len(KNOWN) - 1))
    data = copy.deepcopy(KNOWN[number])
    trails = [found.trail for found in leaves(data)]
    for trail in draw(st.lists(st.sampled_from(trails), max_size=4, unique=True)):
        if draw(st.booleans()):
            put(data, trail, draw(VALUES))
        else:
            take(data, trail)
    if isinstance(data, dict) and draw(st.booleans()):
        data[draw(st.text(max_size=8))] = draw(VALUES)
    return UNITS[number], data


@limits(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(changed(), min_size=1, max_size=4), st.sampled_from([None, "/secrets"]))
def test_the_result_is_good_and_every_key_is_accounted_for(
    files: list[tuple[str, Any]], secrets: str | None
) -> None:
    documents = [
        Document(Path(f"/old/{number}/{unit}.yml"), data)
        for number, (unit, data) in enumerate(files)
    ]
    options = Options(secrets=secrets)
    try:
        result = convert(documents, options=options)
    except UserError as exc:
        assert "--unit" in str(exc)  # noqa: PT017 - too little is left to tell the unit
        result = convert(documents, options=options, otherwise="encoder")
    settings.parse(tomli_w.dumps(result.settings), base=Path("/"), source="result")
    assert lost(documents, result.rows) == []
    text = told(result.rows, result.sources)
    assert [secret for secret in old.SECRETS if secret in text] == []


@limits(max_examples=60, deadline=None)
@given(VALUES, st.sampled_from(["encoder", "acquisition", "notifier", "tools", "auth", "server"]))
def test_any_document_of_any_unit_gives_a_good_result(data: Any, unit: str) -> None:
    documents = [Document(Path("/old/x.yml"), data)]
    result = convert(documents, options=Options(), said={Path("/old/x.yml"): unit})
    settings.parse(tomli_w.dumps(result.settings), base=Path("/"), source="result")
    if data not in ({}, []):
        assert lost(documents, result.rows) == []
