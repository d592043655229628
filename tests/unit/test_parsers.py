"""Second opinions: bounded, guarded, and never the end of us."""

import threading

import pytest

from izumi.domain.reading.parsers import LONGEST, by_anitomy, by_anitopy, plain
from tests.support.release_names import broken

HANG = ["Show - 01 -.mkv", "[G] Show - 01 - ", "E 3 -", "E 3_-", "Show - E 3 -"]
RAISE = ["[Group] Show (2024) 03", "Pokemon (2023) 1155", "episode", "³", "(", "- 1"]


@pytest.mark.parametrize("name", HANG + RAISE)
def test_names_that_hang_or_break_anitopy_are_read(name):
    opinion = by_anitopy(plain(name))
    assert opinion is None or opinion.why == ("anitopy",)


def test_a_name_of_many_brackets_is_not_given_to_anitopy():
    assert by_anitopy("[a]" * LONGEST) is None


def test_anitopy_answers_rightly_from_many_threads():
    names = [f"[G] Show {i} - {i % 24 + 1:02} [1080p]" for i in range(120)]
    answers: dict[str, str | None] = {}

    def ask(part: list[str]) -> None:
        for name in part:
            opinion = by_anitopy(name)
            answers[name] = opinion.episode if opinion else None

    threads = [threading.Thread(target=ask, args=(names[i::4],)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {name: f"{i % 24 + 1:02}" for i, name in enumerate(names)}


def test_no_broken_name_breaks_a_reader():
    for name in broken(seed=7, count=1500):
        by_anitopy(plain(name))
        by_anitomy(plain(name))


def test_parsers_are_given_words_that_they_know():
    name = "【字幕组】★4月新番 某动画 第十二話【1080p】"
    assert plain(name) == "[字幕组] 某动画 - 12 [1080p]"
