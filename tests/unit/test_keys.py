"""Which names are legal, and what temporary names are made of them."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.domain import keys
from izumi.domain.errors import BadKey

anything = st.text(max_size=300) | st.text(
    st.sampled_from(
        'aZ09 .-_~()[]/\\:*?"<>|\0\n\x7f\x85\u00a0\u3000\u200b\u202e\u201b\u2025\u240a\uff0f\uff0e'
        "\ud800\ue000\ufdd0\U0001ffff\u0301e\u3042"
    ),
    max_size=12,
)


@pytest.mark.parametrize(
    "name",
    [
        "Show",
        "Show - 01 [1080p].mkv",
        "5-Toubun no Hanayome",
        ".hack",
        "~wave~",
        "100%",
        "Fate stay night [UBW] (Uncensored).mkv",
        "it's",
        "a,b;c=d&e+f@g!h$i^j`k{l}#",
        "\u540d\u63a2\u5075\u30b3\u30ca\u30f3\u3000\u5287\u5834\u7248",
        "\u3068\u3042\u308b\uff01\uff1f\uff1a\uff5e",
        "\u2764\ufe0f \U0001f600",
        "Constantine",
        "console",
        "COM10.mkv",
        "a..b",
        "...a",
        "x" * 255,
        "\u3042" * 85,
    ],
)  # fmt: skip
def test_names_of_real_shows_are_legal(name: str):
    assert keys.check_part(name) == name


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "is empty"),
        (".", "nothing but dots"),
        ("..", "nothing but dots"),
        ("\uff0e\uff0e", "nothing but dots"),
        ("a/b", "'/'"),
        ("a\\b", r"'\\\\'"),
        ("a\0", r"'\\x00'"),
        ("a\nb", r"'\\n', a control"),
        ("a\x1bb", "control"),
        ("a\x7fb", "control"),
        ("a\x9bb", "control"),
        *((f"a{char}b", "not every storage") for char in '<>:"|?*'),
        ("a\u202eb", "invisible"),
        ("a\u200bb", "invisible"),
        ("a\ufeffb", "invisible"),
        ("a\u2028b", "line separator"),
        ("a\u2029b", "paragraph separator"),
        ("\u3164", "shows nothing"),
        ("a\u00a0b", "plain space"),
        ("a\u2003b", "plain space"),
        (" a", "space"),
        ("a ", "space"),
        ("\u3000a", "space"),
        ("a.", "ends with a dot"),
        ("-a", "option"),
        ("CON", "device"),
        ("nul.mkv", "device"),
        ("com1.tar.gz", "device"),
        ("LPT\u00b2", "device"),
        ("aux .txt", "device"),
        ("CONIN$", "device"),
        ("e\u0301", "form C"),
        ("\u212b", "form C"),
        ("a\u201bb", "rclone"),
        ("a\u2400b", "rclone"),
        ("a\u2421b", "rclone"),
        ("a\uff0fb", "rclone"),
        ("a\udc80", "lone surrogate"),
        ("a\ue000", "private-use"),
        ("a\ufdd0", "no character"),
        ("a\U0001ffff", "no character"),
        ("x" * 256, "256 bytes"),
        ("\u3042" * 86, "258 bytes"),
        (".a.izumi-part", "temporary name"),
    ],
    ids=ascii,
)  # fmt: skip
def test_a_name_that_some_storage_changes_or_refuses_is_refused_with_the_reason(
    name: str, reason: str
):
    with pytest.raises(BadKey, match=reason):
        keys.check_part(name)


@given(anything)
def test_what_is_accepted_is_printable_normal_and_fits(name: str):
    if keys.fault(name) is None:
        assert name.isprintable() or "\u3000" in name or _unassigned(name)
        assert unicodedata.normalize("NFC", name) == name
        assert 0 < len(name.encode()) <= 255
        assert not set(name) & set('/\\<>:"|?*\0')
        assert name == name.strip()


def _unassigned(name: str) -> bool:
    return any(unicodedata.category(char) == "Cn" for char in name)


@given(anything)
def test_a_refusal_is_one_printable_line(name: str):
    if keys.fault(name) is not None:
        with pytest.raises(BadKey) as caught:
            keys.check_part(name)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 1200


def test_every_control_and_surrogate_is_refused_wherever_it_stands():
    for code in (*range(0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000)):
        for name in (chr(code), f"a{chr(code)}", f"{chr(code)}a", f"a{chr(code)}a"):
            assert keys.fault(name) is not None


@pytest.mark.parametrize("key", ["Show/a.mkv", "Show/Season 2/a.mkv", "Old/Show/Season 2/a.mkv"])
def test_a_key_is_split_into_its_parts(key: str):
    assert keys.parse_key(key) == tuple(key.split("/"))


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("a.mkv", "1 parts"),
        ("", "1 parts"),
        ("a/b/c/d/e.mkv", "5 parts"),
        ("/a.mkv", "part 1, '', is empty"),
        ("Show/", "part 2, '', is empty"),
        ("Show/../a.mkv", r"part 2, '\.\.', is nothing but dots"),
        ("Show//a.mkv", "part 2, '', is empty"),
        ("Show/a:b.mkv", "part 2, 'a:b.mkv', contains ':'"),
        ("/".join(["x" * 250] * 4), "1003 bytes"),
    ],
)
def test_a_bad_key_names_the_part_and_the_reason(key: str, reason: str):
    with pytest.raises(BadKey, match=reason):
        keys.parse_key(key)


legal = st.text(min_size=1, max_size=255).filter(lambda name: keys.fault(name) is None)
tokens = st.text("abcXYZ019-_", min_size=1, max_size=96)


@given(tokens, legal)
def test_a_temporary_name_is_short_hidden_and_gives_its_token_back(token: str, final: str):
    name = keys.part_name(token, final)
    assert keys.part_token(name) == token
    assert name.startswith(".")
    assert len(name.encode()) <= 143
    assert keys.fault(name) == f"ends like a temporary name ({keys.PART_ENDING})"


@given(tokens, legal, legal)
def test_two_files_of_one_attempt_have_two_temporary_names(token: str, one: str, other: str):
    assert (keys.part_name(token, one) == keys.part_name(token, other)) == (one == other)


@given(anything)
def test_no_other_name_has_a_token(name: str):
    token = keys.part_token(name)
    assert token is None or name.endswith(f".{token}.izumi-part")


@pytest.mark.parametrize("token", ["", "a b", "a.b", "a/b", "\u3042", "x" * 97])
def test_a_token_that_could_be_mistaken_is_refused(token: str):
    with pytest.raises(ValueError, match="letters"):
        keys.part_name(token, "a.mkv")
