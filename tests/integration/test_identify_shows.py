"""`izumi identify` as people and programs run it: over pipes, with AniList and without."""

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path

import pytest

from tests.support.anilist import fake_anilist
from tests.support.shows import ALL, MORI, show

IZUMI = Path(sys.executable).with_name("izumi")
NAME = "[G] Hon no Mori - 14 [1080p].mkv"


@contextlib.asynccontextmanager
async def running(folder: Path, url: str, *arguments: str, **environ: str):
    """A process with its state in `folder`, which has no configuration but an address."""
    ours = {name: text for name, text in os.environ.items() if not name.startswith("IZUMI")}
    process = await asyncio.create_subprocess_exec(
        IZUMI,
        "identify",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=folder,
        env=ours | {"XDG_STATE_HOME": str(folder), "IZUMI__ANILIST__URL": url, **environ},
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def told(folder: Path, url: str, *arguments: str, stdin: bytes = b"", **environ: str):
    """Exit code, output and errors."""
    async with running(folder, url, *arguments, **environ) as process:
        output, complaints = await process.communicate(stdin)
        return process.returncode, output.decode(), complaints.decode()


async def objects(folder: Path, url: str, *arguments: str, stdin: bytes = b""):
    code, output, complaints = await told(folder, url, *arguments, "--json", stdin=stdin)
    assert (code, complaints) == (0, "")
    return [json.loads(line) for line in output.splitlines()]


async def test_ids_come_with_the_name_and_stay_known_when_anilist_is_gone(tmp_path):
    wanted = {
        "anilist_id": 2,
        "mal_id": 50_002,
        "anilist_title": "Hon no Mori: Tobira",
        "anilist_episode": "2",
        "episode": "14",
        "key": "Hon no Mori/Hon no Mori - 14 [1080p].mkv",
        "held": None,
    }
    async with fake_anilist(*ALL) as fake:
        url = fake.url
        (found,) = await objects(tmp_path, url, NAME)
        assert found | wanted == found
        assert any("Hon no Mori (TV, 2015, 1)" in why for why in found["match"])
    assert (tmp_path / "izumi/catalogue.sqlite").is_file()
    for options in (["--offline"], []):
        known, new = await objects(tmp_path, url, NAME, "[G] Never Seen - 01.mkv", *options)
        assert known | wanted == known
        assert (new["anilist_id"], new["mal_id"], new["held"]) == (None, None, None)
        assert new["key"] == "Never Seen/Never Seen - 01.mkv"


async def test_offline_asks_nobody(tmp_path):
    async with fake_anilist(*ALL) as fake:
        (found,) = await objects(tmp_path, fake.url, NAME, "--offline")
        assert found["anilist_id"] is None
        assert found["match"][-1].startswith("AniList is not asked")
        assert fake.asked == []


async def test_a_pipe_that_waits_for_each_answer_gets_it(tmp_path):
    async with (
        fake_anilist(*ALL) as fake,
        running(tmp_path, fake.url, "-", "--json") as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        for number in (1, 2, 3):
            process.stdin.write(f"[G] Hon no Mori - 0{number}.mkv\n".encode())
            await process.stdin.drain()
            answer = json.loads(await process.stdout.readline())
            assert (answer["episode"], answer["anilist_id"]) == (f"0{number}", 1)
        process.stdin.write(b"[G] Hon no Mori - 04.mkv")
        process.stdin.close()
        assert json.loads(await process.stdout.readline())["episode"] == "04"
        assert await process.wait() == 0
        assert len(fake.asked) == 1


async def test_many_lines_at_once_need_few_requests_and_keep_their_order(tmp_path):
    shows = [show(number, f"Kotoba {number:04d}") for number in range(1, 61)]
    names = [f"[G] Kotoba {1 + n % 60:04d} - {n // 60 + 1:02d}.mkv" for n in range(620)]
    by_title = {one["title"]["romaji"]: [one] for one in shows}
    async with fake_anilist(*shows, search=lambda text: by_title.get(text, [])) as fake:
        found = await objects(tmp_path, fake.url, "-", stdin="\n".join(names).encode())
        assert [one["name"] for one in found] == names
        assert [one["anilist_id"] for one in found] == [1 + n % 60 for n in range(620)]
        assert len(fake.asked) <= 60 / 15 + 1


async def test_two_processes_share_what_is_known(tmp_path):
    shows = [show(number, f"Kotoba {number:04d}") for number in range(1, 31)]
    lines = "\n".join(f"[G] Kotoba {n:04d} - 01.mkv" for n in range(1, 31)).encode()
    async with fake_anilist(*shows) as fake:
        both = await asyncio.gather(
            *(objects(tmp_path, fake.url, "-", stdin=lines) for _ in range(2))
        )
        for found in both:
            assert [one["anilist_id"] for one in found] == [*range(1, 31)]
    found = await objects(tmp_path, fake.url, "-", "--offline", stdin=lines)
    assert [one["anilist_id"] for one in found] == [*range(1, 31)]


async def test_what_may_be_several_shows_is_held(tmp_path):
    twins = [show(3, "Umi no Uta", year=2018), show(4, "Umi no Uta", year=2019)]
    async with fake_anilist(*twins) as fake:
        (found,) = await objects(tmp_path, fake.url, "[G] Umi no Uta - 01.mkv")
        assert found["anilist_id"] is None
        assert "AniList 3" in found["held"]
        assert "AniList 4" in found["held"]
        (found,) = await objects(tmp_path, fake.url, "Umi no Uta (2019)/01.mkv")
        assert (found["anilist_id"], found["held"]) == (4, None)


async def test_an_explanation_tells_readers_entries_and_decision(tmp_path):
    async with fake_anilist(*ALL) as fake:
        code, output, _ = await told(tmp_path, fake.url, NAME, "Show S2.mkv", "--explain")
    assert code == 0
    lines = output.splitlines()
    assert lines[0] == NAME
    assert lines[1] == "  goes to  Hon no Mori/Hon no Mori - 14 [1080p].mkv"
    assert "AniList 2, episode 2 there" in lines[2]
    assert any("anitomy-ng: Hon no Mori, episode 14" in line for line in lines)
    assert any(line.startswith("  AniList  Hon no Mori (TV, 2015, 1): ") for line in lines)
    assert any("episode 14 is 2 of Hon no Mori: Tobira" in line for line in lines)
    assert lines[-1] == "  held     a season (2), but no episode number"


async def test_a_configuration_says_where_what_is_known_lies(tmp_path):
    rules = tmp_path / "anime-relations.txt"
    rules.write_text("::rules\n\n- ?|?|1:13-24 -> ?|?|3:1-12\n")
    async with fake_anilist(*ALL) as fake:
        (tmp_path / "izumi.toml").write_text(
            f'state = "here"\n[anilist]\nurl = "{fake.url}"\nredirects = "{rules.name}"\n'
        )
        (found,) = await objects(tmp_path, "http://127.0.0.1:1/", NAME)
        # The environment wins over the file, so that nobody was asked.
        assert found["anilist_id"] is None
        (found,) = await objects(tmp_path, fake.url, NAME)
        assert (found["anilist_id"], found["anilist_episode"]) == (3, "2")
    assert (tmp_path / "here/catalogue.sqlite").is_file()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('redirects = "gone.txt"', "redirects: {folder}/gone.txt cannot be read: No such file"),
        ('redirects = "bad.txt"', "is not in the format of anime-relations: "),
        ("search_fresh_h = 0", "search_fresh_h: 0.0 must be more than 0"),
    ],
)
async def test_a_mistake_in_the_configuration_is_named(tmp_path, text, complaint):
    (tmp_path / "bad.txt").write_text("::rules\n\n- nonsense\n")
    (tmp_path / "izumi.toml").write_text(f'state = "here"\n[anilist]\n{text}\n')
    code, output, complaints = await told(tmp_path, "http://127.0.0.1:1/", NAME)
    assert (code, output) == (2, "")
    assert complaint.format(folder=tmp_path) in complaints
    assert complaints.count("\n") == 1


async def test_a_configuration_that_was_asked_for_and_is_not_there_is_an_error(tmp_path):
    code, _, complaints = await told(tmp_path, "http://127.0.0.1:1/", NAME, "--config", "no.toml")
    assert code == 2
    assert "no configuration at no.toml" in complaints


async def test_a_home_that_cannot_be_written_is_no_reason_to_fail(tmp_path):
    (tmp_path / "izumi").write_bytes(b"a file where a folder should be")
    async with fake_anilist(MORI) as fake:
        code, output, complaints = await told(tmp_path, fake.url, NAME, "--json")
    assert code == 0
    assert json.loads(output)["anilist_id"] == 1
    assert "cache.in_memory" in complaints


async def test_every_name_is_answered_in_one_line_whatever_is_in_it(tmp_path):
    names = [
        "A\u2028B\u0085C - 01.mkv",
        "x\x00\x1c\x0by\u2029 - 02.mkv",
        "",
        "\udcff",
        "a" * 1_000_000,
    ]
    stdin = "\n".join(names).encode("utf-8", "surrogateescape")
    found = await objects(tmp_path, "http://127.0.0.1:1/", "-", "--offline", stdin=stdin)
    assert [one["name"] for one in found[:3]] == names[:3]
    assert len(found) == len(names)
    assert "longer than 4096 bytes" in found[-1]["held"]


@pytest.mark.parametrize(
    ("redirected", "code", "complaint"),
    [
        ("<&-", 2, "standard input or output is closed"),
        (">&-", 2, "standard input or output is closed"),
        (">/dev/full", 1, "standard output cannot be written: No space left on device"),
        ("| head -c 1 >/dev/null", 0, ""),
    ],
)
async def test_pipes_and_files_that_do_not_work_are_told_in_one_line(
    tmp_path, redirected, code, complaint
):
    (tmp_path / "names").write_text("[G] Moon - 01.mkv\n" * 2000)
    shell = f"set -o pipefail; {IZUMI} identify - --offline <names {redirected}"
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", shell),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        cwd=tmp_path,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
    )
    _, said = await process.communicate()
    lines = said.decode().splitlines()
    assert process.returncode == code
    assert [complaint in line for line in lines] == [True] * bool(complaint)
