"""`izumi-admin move` and the like in a keeper's hands: printed, asked, told, remembered."""

import fcntl
import json
import os
import pty
import select
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from izumi.commands.library_flow import pick
from izumi.domain.errors import UserError
from izumi.domain.events import LibraryChanged
from izumi.domain.matching.entry import Entry, Match
from tests.support.bus import provisioned
from tests.support.library import SHOW

NATIVE = "葬送のフリーレン"
PLACES = ("nas", "cloud")


@pytest.fixture
def library(tmp_path, keeper):
    """Two locations with a show each, and a configuration that knows them."""
    lines = []
    for name in PLACES:
        folder = tmp_path / name
        for sub, ending in (("Airing", "mkv"), ("Airing [Hardsub]", "mp4")):
            shelf = folder / sub / SHOW
            shelf.mkdir(parents=True)
            for number in range(1, 3):
                (shelf / f"[G] {SHOW} - 0{number} (1080p).{ending}").write_text(f"{name} {number}")
        lines.append(f'[storage.{name}]\nremote = "{folder}"\n')
    lines.append("[library]\nannounce = false\n")
    with keeper.config.open("a") as file:
        file.write("".join(lines))
    return tmp_path


@pytest.fixture
async def bus(nats_server):
    async with provisioned(nats_server) as connection:
        yield connection


def files(folder: Path) -> set[str]:
    return {
        f"{name}/{path.relative_to(folder / name)}"
        for name in PLACES
        for path in (folder / name).rglob("*")
        if path.is_file()
    }


async def test_a_plan_shows_every_path_and_changes_nothing(keeper, library):
    before = files(library)
    said = await keeper("rename", SHOW, "--dry-run")
    for path in before:
        assert path.partition("/")[2] in said
    assert "8 files" in said
    assert "at 2 of 2 locations" in said
    assert files(library) == before
    assert "nothing" in await keeper("history")


async def test_a_change_is_told_on_the_bus_and_remembered(keeper, library, bus):
    keeper.config.write_text(
        keeper.config.read_text().replace("announce = false", "bus_wait_s = 30")
    )
    await keeper("move", SHOW, "--name", f"{SHOW} ~ {NATIVE}", "--yes", "--by", "Mori")
    assert {path.split("/")[1] for path in files(library)} == {"Premiered", "Premiered [Hardsub]"}
    (stored,) = await bus.latest("izumi.library.>")
    fact = json.loads(stored.data)
    assert stored.subject == f"izumi.library.move.{fact['operation']}"
    assert (fact["type"], fact["show"], fact["became"], fact["by"], fact["host"]) == (
        LibraryChanged.__struct_config__.tag,
        SHOW,
        f"{SHOW} ~ {NATIVE}",
        "Mori",
        "desk",
    )
    assert [(one["name"], one["files"], one["done"]) for one in fact["places"]] == [
        ("nas", 4, True),
        ("cloud", 4, True),
    ]
    (row,) = await keeper.rows("history")
    (everywhere,) = await keeper.rows("history", "--everywhere")
    assert (row["by"], row["state"], row["files"]) == ("Mori", "done", 8)
    assert (everywhere["operation"], everywhere["by"]) == (row["operation"], "Mori")


async def test_what_could_not_be_told_is_told_by_the_next_change(keeper, library, bus, capsys):
    config = keeper.config.read_text().replace("announce = false", "bus_wait_s = 30")
    away = config.replace("nats://127.0.0.1", "nats://127.0.0.2")
    keeper.config.write_text(away.replace("bus_wait_s = 30", "bus_wait_s = 0.2"))
    await keeper("season", SHOW, "--yes")
    await keeper("rename", SHOW, "--yes")
    assert "the next change tells it" in capsys.readouterr().err
    keeper.config.write_text(config)
    assert "nothing is open" in await keeper("resume")
    told = [json.loads(stored.data)["verb"] for stored in await bus.latest("izumi.library.>")]
    assert told == ["season", "rename"]
    (last, *_) = [stored.seq for stored in await bus.latest("izumi.library.season.>")]
    await keeper("resume")
    assert [stored.seq for stored in await bus.latest("izumi.library.season.>")] == [last]


async def test_without_a_bus_it_works_all_the_same(keeper, library, capsys):
    said = keeper.config.read_text().replace("nats://127.0.0.1", "nats://127.0.0.2")
    keeper.config.write_text(said.replace("announce = false", "bus_wait_s = 0.2"))
    before = files(library)
    await keeper("season", SHOW, "--number", "2", "--yes")
    assert all("/Season 2/" in path for path in files(library))
    assert "not told on the bus" in capsys.readouterr().err
    await keeper("undo", "--yes")
    assert files(library) == before


async def test_only_the_locations_that_are_named_are_touched(keeper, library):
    await keeper("delete", SHOW, "--at", "cloud", "--yes")
    assert sum("/.izumi-trash/" in path for path in files(library)) == 4
    assert all(path.startswith("cloud/") for path in files(library) if ".izumi-trash" in path)
    assert "there is no [storage.x]" in await keeper.refused("delete", SHOW, "--at", "x", "--yes")
    (waiting,) = await keeper.rows("trash")
    assert (waiting["at"], waiting["files"]) == ("cloud", 4)
    assert "nothing to do" in await keeper("trash", "--empty", "--yes")
    said = await keeper("trash", "--empty", "--days", "0", "--yes")
    assert "takes it back" not in said
    assert sum(path.startswith("cloud/") for path in files(library)) == 0


async def test_shows_are_listed_with_where_they_lie(keeper, library):
    (row,) = await keeper.rows("shows")
    assert row["show"] == SHOW
    assert row["at"].startswith("nas:Airing, nas:Airing [Hardsub], cloud:Airing")
    assert await keeper.rows("shows", "--in", "premiered") == []


async def test_removing_for_good_wants_the_name_again(keeper, library):
    before = files(library)
    assert "--confirm" in await keeper.refused("delete", SHOW, "--purge", "--yes")
    code, _, complaints = await keeper.ends("delete", SHOW, "--purge", "--confirm", "Sousou")
    assert code == 2
    assert "nothing was changed" in complaints[0]
    assert files(library) == before
    await keeper("delete", SHOW, "--purge", "--confirm", SHOW)
    assert files(library) == set()
    assert "for good" in await keeper.refused("undo", "--yes")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("move", "Sousou no Friren", "--yes"), f"did you mean '{SHOW}'"),
        (("move", SHOW), "nobody is there to be asked"),
        (("move", "--yes"), "name a show"),
        (("move", SHOW, "--into", "../..", "--yes"), "nothing but dots"),
        (("rename", SHOW, "--to", "a/b", "--yes"), "not every storage can hold"),
        (("rename", SHOW, "--to", SHOW, "--yes"), "is what it is called already"),
        (("delete", "..", "--yes"), "is no name of a folder"),
        (("undo", "--yes"), "there is nothing to undo"),
        (("undo", "2020", "--yes"), "no operation is called"),
        (("trash", "--empty", "--days", "-1", "--yes"), "is not 0 or more"),
        (("trash", "--empty", "--days", "nan", "--yes"), "is not 0 or more"),
        (("season", SHOW, "--number", "-1", "--yes"), "is below 0"),
    ],
)
async def test_what_cannot_be_done_is_one_line_and_exit_code_2(keeper, library, args, said):
    before = files(library)
    assert said in await keeper.refused(*args)
    assert files(library) == before


async def test_a_location_that_fails_is_resumed(keeper, library):
    (library / "cloud").rename(library / "away")
    code, out, _ = await keeper.ends("move", SHOW, "--yes")
    assert code == 1
    assert "cloud: cannot be looked at" in out
    assert "izumi-admin resume" in out
    (library / "away").rename(library / "cloud")
    assert "nobody is there" in (await keeper.ends("resume"))[2][0]
    assert SHOW in await keeper("resume", "--dry-run")
    await keeper("resume", "--yes")
    assert {path.split("/")[1] for path in files(library)} == {"Premiered", "Premiered [Hardsub]"}
    assert "nothing is open" in await keeper("resume")


async def test_what_cannot_be_finished_can_be_left(keeper, library):
    (library / "cloud").rename(library / "away")
    await keeper.ends("move", SHOW, "--yes")
    assert "left as it is" in await keeper("resume", "--forget")
    (row,) = await keeper.rows("history")
    assert row["state"] == "left"
    assert "nothing is open" in await keeper("resume")


async def test_a_folder_of_shows_is_refused(keeper, library):
    for name in ("A", "B"):
        folder = library / "nas" / "Premiered" / "Kids" / name
        folder.mkdir(parents=True)
        (folder / "1.mkv").touch()
    before = files(library)
    code, said, _ = await keeper.ends("delete", "Kids", "--yes")
    assert (code, "name one of them, such as Kids/A" in said) == (2, True)
    assert files(library) == before


def test_nothing_is_changed_when_nobody_reads_the_plan(keeper, library):
    for number in range(1000):  # more than a pipe holds
        (library / "nas" / "Airing" / SHOW / f"{SHOW} {'x' * 100} - {number:04}.mkv").touch()
    before = files(library)
    program = Path(sys.executable).with_name("izumi-admin")
    command = [program, "delete", SHOW, "--yes", "-c", keeper.config]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert "nothing was changed" in process.stderr.read()
    assert process.returncode == 2
    assert files(library) == before


async def test_scripts_get_one_object_a_line(keeper, library):
    lines = [
        json.loads(line) for line in (await keeper("rename", SHOW, "--yes", "--json")).splitlines()
    ]
    moves = [line for line in lines if line["is"] == "move"]
    assert len(moves) == 8
    assert {*moves[0]} == {"is", "place", "path", "to", "size"}
    assert lines[-1]["is"] == "outcome"
    assert lines[-1]["places"]["nas"] == {"done": 4, "skipped": 0, "failed": 0, "left": 0}


async def test_conflicts_are_listed_with_what_was_decided(keeper, library):
    again = library / "nas" / "Airing" / SHOW / f"{SHOW} - 01 [1080p].mkv"
    again.write_text("another")
    said = await keeper("rename", SHOW, "--dry-run", "--conflicts", "rename")
    assert f"conflict: Airing/{SHOW}/{SHOW} - 01 [1080p].mkv" in said
    assert f"kept as {SHOW} - 01 [1080p] (2).mkv" in said
    assert "stays: " in await keeper("rename", SHOW, "--dry-run")


async def test_the_native_title_comes_from_the_catalogue(keeper, library, monkeypatch):
    entry = Entry(anilist_id=1, titles=(SHOW, "Frieren", NATIVE))

    async def answer(_self, wanted):
        assert wanted[0].titles[0] == SHOW
        return [Match(entry=entry)]

    monkeypatch.setattr("izumi.clients.catalogue.Catalogue.match", answer)
    await keeper("move", SHOW, "--native", "--yes")
    assert all(f"/{SHOW} ~ {NATIVE}/" in path for path in files(library))


@pytest.mark.parametrize(
    ("native", "why"), [("Air", "none in letters of its own"), ("葬" * 90, "longer than")]
)
async def test_a_show_without_a_native_title_to_show_keeps_its_name(
    keeper, library, monkeypatch, capsys, native, why
):
    async def answer(_self, wanted):
        return [Match(entry=Entry(anilist_id=1, titles=(SHOW, native)))]

    monkeypatch.setattr("izumi.clients.catalogue.Catalogue.match", answer)
    await keeper("move", SHOW, "--native", "--yes")
    assert all(f"/{SHOW}/" in path for path in files(library))
    assert why in capsys.readouterr().err


async def test_a_show_that_anilist_does_not_know_has_no_native_title(keeper, library, monkeypatch):
    async def answer(_self, wanted):
        return [Match()]

    monkeypatch.setattr("izumi.clients.catalogue.Catalogue.match", answer)
    assert "give --name" in await keeper.refused("move", SHOW, "--native", "--yes")


def test_a_show_is_picked_by_number_by_a_part_or_nearly(capsys):
    names = ["Bocchi the Rock!", SHOW, "Spy x Family", "Spy x Classroom"]

    def picked(*answers):
        said = iter(answers)
        return pick(names, lambda _: next(said))

    assert picked("2") == SHOW
    assert picked("bocchi") == "Bocchi the Rock!"
    assert picked("spy", "2") == "Spy x Classroom"
    assert picked(SHOW) == SHOW
    with pytest.raises(UserError, match="no show was chosen"):
        picked("")
    with pytest.raises(UserError, match="there is no show"):
        pick([], input)
    assert "Which" not in capsys.readouterr().out


def at_a_terminal(
    config: Path, *args: str, answers: list[tuple[str, str]], enter: bool = True
) -> tuple[int, str]:
    """A command in front of a terminal, and somebody who answers its questions."""
    ours, theirs = pty.openpty()
    program = Path(sys.executable).with_name("izumi-admin")
    process = subprocess.Popen(
        [program, *args, "-c", config],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=os.environ | {"COLUMNS": "200", "TERM": "xterm"},
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - no threads
        start_new_session=True,
    )
    os.close(theirs)
    said, told, since = "", 0, 0.0
    deadline = time.monotonic() + 60
    try:
        while time.monotonic() < deadline:
            if select.select([ours], [], [], 0.1)[0]:
                try:
                    said += os.read(ours, 65536).decode("utf-8", "replace")
                except OSError:  # the other end is closed
                    break
            if told < len(answers) and answers[told][0] in said:
                os.write(ours, (answers[told][1] + "\n" * enter).encode())
                told, since = told + 1, time.monotonic()
            if not enter and told and time.monotonic() > since + 10:
                # A key between the question and the reading of its answer is not seen.
                os.write(ours, answers[-1][1].encode())
                since = time.monotonic()
        return process.wait(30), said
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_at_a_terminal_a_show_is_picked_shown_and_asked_about(keeper, library):
    code, said = at_a_terminal(
        keeper.config, "delete", answers=[("Which show?", "1"), ("Do it?", "yes")]
    )
    assert code == 0, said
    assert f"1  {SHOW}" in said
    assert "nas: 4 files" in said
    assert all("/.izumi-trash/" in path for path in files(library))


def test_no_is_an_answer(keeper, library):
    before = files(library)
    code, said = at_a_terminal(keeper.config, "delete", SHOW, answers=[("Do it?", "n")])
    assert (code, "nothing was changed" in said) == (1, True)
    assert files(library) == before


@pytest.mark.parametrize(("key", "code"), [("\x03", 130), ("\x04", 2)])
@pytest.mark.parametrize("args", [(), (SHOW,), (SHOW, "--purge")])
def test_whoever_leaves_a_question_leaves_everything_as_it_is(keeper, library, args, key, code):
    before = files(library)
    question = "Which show?" if not args else "for good:" if args[1:] else "Do it?"
    ended, said = at_a_terminal(
        keeper.config, "delete", *args, answers=[(question, key)], enter=False
    )
    assert (ended, "Traceback" in said) == (code, False), said
    assert files(library) == before


def test_names_of_shows_are_completed(keeper, library):
    program = Path(sys.executable).with_name("izumi-admin")
    for _ in range(2):  # listed, and then from what is kept
        done = subprocess.run(
            [program, "__complete", "move", "--config", keeper.config, "Sou"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert SHOW in done.stdout
