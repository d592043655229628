"""Release names: labelled ones that strangers collected, and ways to break them."""

import json
import os
import random
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from izumi.domain.identify import identify
from izumi.domain.reading.folders import parted
from izumi.naming.report import as_object

ODD = (
    '[]()【】 -_.~0123456789vVsSeE第話話季½²①٣\u202e\u200b\x00\n/\\:*?"<>|中あÄéCONnul.mkv'
    "\U0001f38c\U0001f468\u200d\U0001f469\u0301\udcff"
)

SHAPES = (
    "[SubsPlease] {} - 05 (1080p) [ABCD1234].mkv",
    "[Erai-raws] {} S2 - 05v2 [1080p][Multiple Subtitle].mkv",
    "{}.S01E05.1080p.WEB-DL.AAC2.0.H.264-VARYG.mkv",
    "【喵萌奶茶屋】★04月新番★[{}][05][1080p][简日双语].mp4",
    "[桜都字幕组] {} 第二季 第05话 END [1080p][简体内嵌].mp4",
    "05 - {} - A Title.mkv",
    "{} NCOP1 [BD 720p].mkv",
    "{} (2019) [1080p].mkv",
    "{}",
)
TITLES = (
    "Sousou no Frieren",
    "2.5 Jigen no Ririsa",
    "86 - Eighty Six",
    "Re:Zero kara Hajimeru Isekai Seikatsu",
    "葬送的芙莉莲 / Sousou no Frieren",
    "Gochuumon wa Usagi Desu ka??",
    "NieR:Automata Ver1.1a",
    "22/7",
)


class Case(NamedTuple):
    """A name and what people say it means."""

    name: str
    expected: dict[str, list[str]]


def corpora() -> list[list[Case]]:
    """Labelled corpora, each name once; the test is skipped where they are absent."""
    folder = Path(os.environ.get("IZUMI_TEST_DATA", "../shared")) / "filenames"
    if not folder.exists():
        pytest.skip(f"no test data at {folder}; set IZUMI_TEST_DATA")
    seen: set[str] = set()
    found = []
    for path in sorted(folder.glob("*.json")):
        corpus = json.loads(path.read_text("utf-8"))
        if not corpus["label_kind"].startswith("gold"):
            continue
        cases = []
        for case in corpus["cases"]:
            if (form := plain(case["filename"])) not in seen:
                seen.add(form)
                cases.append(Case(" ".join(case["filename"].split("\n")), case["expected"]))
        found.append(cases)
    return found


def plain(text: object) -> str:
    """A text without case, width, spaces and punctuation."""
    folded = unicodedata.normalize("NFKC", str(text)).casefold()
    return "".join(char for char in folded if char.isalnum())


def ends(values: object) -> tuple[float, float] | None:
    """The least and the greatest number in what was read or labelled."""
    texts = values if isinstance(values, list) else [] if values is None else [values]
    numbers = [float(n) for text in texts for n in re.findall(r"\d+(?:\.\d+)?", str(text))]
    return (min(numbers), max(numbers)) if numbers else None


def read_object(path: str) -> dict[str, Any]:
    """What `izumi identify --json` says of a name."""
    folders, name = parted(path)
    return as_object(identify(name, folders=folders))


def right(field: str, label: list[str], got: dict[str, Any]) -> bool:
    """Whether a field is what people say; a missing season is the first one."""
    match field:
        case "title":
            return bool({plain(t) for t in got["titles"]} & {plain(t) for t in label})
        case "season" if ends(label) == (1.0, 1.0) and got["season"] is None:
            return True
        case "season" | "episode" | "version":
            return ends(label) == ends(got[field])
        case "resolution":
            return ends(got[field]) == (height(label),) * 2
        case _:
            return plain(got[field]) in {plain(label[0]), plain("".join(label))}


def height(label: list[str]) -> float:
    """Picture height in a label: "1920x1080", "4K", "720p"."""
    text = label[0].lower().replace("×", "x")  # noqa: RUF001 - as the labels have it
    named = {"4k": 2160.0, "uhd": 2160.0, "2k": 1440.0}
    return named.get(text) or float(re.findall(r"\d+", text)[-1])


def shares(cases: list[Case]) -> tuple[dict[str, float], float, float]:
    """Right per field, held, and wrong without having asked: shares of the labelled names."""
    rights: Counter[str] = Counter()
    labels: Counter[str] = Counter()
    held = unasked = judged = 0
    for case in cases:
        got = read_object(case.name)
        fields = ("title", "season", "episode", "resolution", "version", "group")
        verdict = {
            field: right(field, case.expected[field], got)
            for field in fields
            if case.expected.get(field)
        }
        labels.update(verdict.keys())
        rights.update(field for field, ok in verdict.items() if ok)
        if {"title", "episode"} & verdict.keys():
            judged += 1
            held += got["held"] is not None
            wrong = not all(verdict.get(field, True) for field in ("title", "season", "episode"))
            unasked += wrong and got["held"] is None
    by_field = {field: rights[field] / count for field, count in labels.items()}
    return by_field, held / judged, unasked / judged


def broken(seed: int, count: int) -> Iterator[str]:
    """Names as strangers break them: shapes of the trade, mutated; and plain noise."""
    chance = random.Random(seed)  # noqa: S311 - the same names in every run
    for _ in range(count):
        if chance.random() < 0.2:
            yield "".join(chance.choice(ODD) for _ in range(chance.randint(0, 60)))
            continue
        letters = list(chance.choice(SHAPES).format(chance.choice(TITLES)))
        for _ in range(chance.randint(0, 6)):
            at = chance.randrange(len(letters) + 1)
            match chance.randrange(4):
                case 0:
                    letters.insert(at, chance.choice(ODD))
                case 1:
                    del letters[at : at + 1]
                case 2:
                    letters[at:at] = letters[at : at + 12] * chance.randint(1, 5)
                case _:
                    letters = letters[at:] + letters[:at]
        yield "".join(letters)


def hostile(seed: int, count: int) -> Iterator[str]:
    """Names made to hurt: very long, deeply nested, full of numbers, marks and invisibles."""
    chance = random.Random(seed)  # noqa: S311 - the same names in every run
    pieces = (
        *("[", "]", "(", ")", "【", "】", "{", "}", " - ", "-", "_", ".", " ", "  ", "/", "|", "~"),
        *("0", "9" * 60, "01", "12.5", "½", "③", "٣", "十二", "1-", "1,", "S01E", "S99", "E", "v2"),
        *(
            "第",
            "話",
            "第99999999999話",
            "Season ",
            "OVA",
            "NCOP",
            "sample",
            "END",
            "1080p",
            "x264",
        ),
        *("1920x1080", "(2019)", "☆", "\u202e", "\u200b", "\u0301" * 40, "\ud83d", "\x00", "\n"),
        *(
            "CON",
            "nul.",
            ".mkv",
            ".mkv.mp4",
            "Show",
            "葬送",
            "ﷺ",
            "ẛ̣",
            "İ",
            "ß",
            "\U0001f468\u200d",
        ),
    )
    for _ in range(count):
        some = chance.sample(pieces, chance.randint(1, 6))
        repeat = chance.choice((1, 1, 2, 5, 40, 400))
        text = "".join(chance.choice(some) for _ in range(chance.randint(1, 8) * repeat))
        yield chance.choice(("", "[G] ", "Show - 01 ")) + text + chance.choice(("", ".mkv"))
