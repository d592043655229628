"""A legal name is listed by every kind of storage under just that name."""

from collections.abc import AsyncIterator, Iterable, Iterator
from unicodedata import is_normalized as normal

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from izumi.domain import keys
from izumi.storage.rclone import Rclone
from izumi.storage.settings import RcloneSettings
from tests.support.remotes import SERVED, Remotes

pytestmark = pytest.mark.asyncio(loop_scope="module")

# The storage with the most characters that it cannot hold: rclone quotes all of these.
_QUOTES = (
    "Slash,LtGt,DoubleQuote,SingleQuote,BackQuote,Dollar,Colon,Question,Asterisk,Pipe,Hash,"
    "Percent,BackSlash,CrLf,Del,Ctl,LeftSpace,LeftPeriod,LeftTilde,LeftCrLfHtVt,RightSpace,"
    "RightPeriod,RightCrLfHtVt,InvalidUtf8,Dot,SquareBracket,Semicolon,Exclamation"
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rclone(
    remotes: Remotes, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Rclone]:
    folder = tmp_path_factory.mktemp("strict")
    config = folder / "rclone.conf"
    config.write_text(
        remotes.config.read_text() + f"[strict]\ntype = local\nencoding = {_QUOTES}\n\n"
        f"[vault]\ntype = crypt\nremote = {folder}/vault\npassword = {'A' * 32}\n"
        "filename_encoding = base32768\n"
    )
    config.chmod(0o600)
    async with Rclone(RcloneSettings(config=config), state=folder / "state") as running:
        yield running


def _legal(characters: Iterable[str]) -> Iterator[str]:
    return (char for char in characters if keys.fault(f"a{char}b") is None)


def _packed(characters: Iterable[str], most_bytes: int) -> Iterator[str]:
    """Names that hold all these characters, each as many as fit."""
    name = "a"
    for char in characters:
        if len(f"{name}{char}b".encode()) > most_bytes or not normal("NFC", f"{name}{char}b"):
            yield f"{name}b"
            name = "a"
        name += char
    yield f"{name}b"


async def _listed(rclone: Rclone, fs: str) -> set[str]:
    said = await rclone.call(
        "operations/list", {"fs": fs, "remote": "", "opt": {"filesOnly": True, "recurse": True}}
    )
    return {item["Path"] for item in said["list"]}


async def _round_trip(
    rclone: Rclone, remotes: Remotes, names: set[str], kinds: Iterable[str]
) -> None:
    """As files, and some as folders, which are names of the same kind."""
    source = remotes.place("local")
    paths = {f"files/{name}" for name in names} | {f"{name}/file" for name in sorted(names)[::8]}
    for path in paths:
        source.write(path, b"")
    assert await _listed(rclone, f"{source.location.remote}/") == paths
    for kind in kinds:
        if kind in {"strict", "vault"}:
            fs = f"{kind}:{source.folder.name}" if kind == "vault" else f"{kind}:{source.folder}-q"
        else:
            fs = f"{remotes.place(kind).location.remote}/"
        await rclone.job(
            "sync/copy",
            {"srcFs": source.location.remote, "dstFs": fs, "_config": {"Checkers": 2}},
            place=kind,
        )
        assert await _listed(rclone, fs) == paths, kind


async def test_every_legal_character_is_listed_as_it_was_stored_by_the_strictest_storage(
    rclone: Rclone, remotes: Remotes
):
    # Every one below the ideographs and above Hangul, where all that is special lies.
    codes = (*range(0x3400), *range(0x3400, 0x110000, 499), *range(0xD7A0, 0x10000))
    names = set(_packed(_legal(map(chr, codes)), 120))
    await _round_trip(rclone, remotes, names, ["strict", "vault"])


@pytest.mark.parametrize("kind", SERVED)
async def test_characters_that_storage_treats_in_a_special_way_are_listed_as_they_were_stored(
    rclone: Rclone, remotes: Remotes, kind: str
):
    wide = (*range(0x2010, 0x2070), *range(0x2400, 0x2440), *range(0xFF00, 0xFFF0))
    characters = list(_legal(map(chr, (*range(0x20, 0x100), *wide))))
    # Some mean something only where a name begins or ends.
    edges = [char for char in characters if not char.isalnum() and ord(char) < 0x7F]
    edges += ["\uff0e", "\uff5e", "\u2422", "\u2423", "\u2025"]
    names = {form.replace("?", char) for char in edges for form in ("?", "?a", "a?")}
    names |= set(_packed(characters, 250))
    legal = {name for name in names if keys.fault(name) is None}
    assert len(legal) > 70
    await _round_trip(rclone, remotes, legal, [kind])


@settings(
    max_examples=3,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    names=st.sets(
        st.text(min_size=1, max_size=80).filter(lambda name: keys.fault(name) is None),
        min_size=5,
        max_size=30,
    )
)
async def test_any_legal_name_is_listed_as_it_was_stored(
    rclone: Rclone, remotes: Remotes, names: set[str]
):
    await _round_trip(rclone, remotes, names, [*SERVED, "strict"])
