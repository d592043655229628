"""`izumi config convert`: configurations of the earlier system, turned into one of ours."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec
import tomli_w
from cyclopts import Parameter

from izumi.domain.errors import ConfigError, UserError
from izumi.moving import document, rows, units
from izumi.moving.convert import Result
from izumi.moving.convert import convert as convert_
from izumi.moving.document import Document
from izumi.moving.draft import Options
from izumi.runtime.telemetry import printable
from izumi.settings import parse

_UNITS: Final = ", ".join(units.UNITS)


def convert(
    *files: Path,
    out: Annotated[
        Path | None,
        Parameter(help="Write the TOML there, for its owner alone, in place of standard output."),
    ] = None,
    report: Annotated[
        Path | None, Parameter(help="Write the report there, in place of standard error.")
    ] = None,
    json: Annotated[bool, Parameter(negative="", help="The report as JSON, for programs.")] = False,
    secrets: Annotated[
        Path | None,
        Parameter(
            help="Put addresses of webhooks, chats and endpoints, and keys, into files of this "
            "folder, for their owner alone, which the TOML names; else they stand there."
        ),
    ] = None,
    unit: Annotated[
        tuple[str, ...],
        Parameter(
            negative="",
            help="FILE=UNIT says which unit a file belongs to, UNIT alone that of all files "
            f"whose keys do not tell: {_UNITS}. May be repeated.",
        ),
    ] = (),
) -> int:
    """Turn files of the earlier system (YAML of v4, TOML of v5) into one configuration.

    Give it the files of all units at once, with auth.yml and rclone.conf where they are at
    hand. What came of every key is reported on standard error: what you must complete, what
    was decided and why, what has no counterpart. Nothing is overwritten.

    Args:
        files: Configurations of the earlier system.
        out: See below.
        report: See below.
        json: See below.
        secrets: See below.
        unit: See below.
    """
    if not files:
        raise UserError("name at least one configuration of the earlier system")
    said, otherwise = _said(unit, files)
    options, documents = _read(files, secrets)
    base = out.absolute().parent if out is not None else Path.cwd()
    result = convert_(documents, options=options, said=said, otherwise=otherwise, base=base)
    text = _toml(result, None)
    if problem := _problem(text, base):
        text = _toml(result, problem)
    told = _report(result, problem, json=json)
    written: dict[Path, str] = {Path(path): secret for path, secret in result.secret_files.items()}
    for path, content in ((out, text), (report, told)):
        if path is not None:
            if path in written:
                raise UserError(f"{printable(str(path))}: named for two things")
            written[path] = content
    _write(written, secrets)
    if report is None:
        print(told, end="", file=sys.stderr)
    if out is None:
        print(text, end="")
    return 1 if problem else 0


def _said(unit: Sequence[str], files: Sequence[Path]) -> tuple[dict[Path, str], str | None]:
    """The unit of each file that one is said of, and that of the others."""
    said: dict[Path, str] = {}
    otherwise: str | None = None
    for text in unit:
        file, sign, name = text.rpartition("=")
        if name not in units.UNITS:
            raise UserError(f"--unit {text}: no unit {name!r}; known are {_UNITS}")
        if not sign:
            otherwise = name
        elif Path(file) in files:
            said[Path(file)] = name
        else:
            raise UserError(f"--unit {text}: {file} is none of the files")
    return said, otherwise


def _read(files: Sequence[Path], secrets: Path | None) -> tuple[Options, list[Document]]:
    if secrets is not None and not str(secrets.absolute()).isprintable():
        raise UserError(
            f"--secrets {printable(str(secrets))}: a configuration cannot hold its name"
        )
    documents = []
    config: str | None = None
    remotes: tuple[str, ...] | None = None
    for path in dict.fromkeys(files):
        found = document.rclone_conf(path)
        if found is None:
            documents.append(document.read(path))
        elif config is None:
            config, remotes = str(path.absolute()), found
        else:
            raise UserError(f"{path}: one rclone.conf is read, and {config} is one; join them")
    options = Options(
        secrets=str(secrets.absolute()) if secrets is not None else None,
        rclone_config=config,
        rclone_remotes=remotes,
    )
    return options, documents


def _problem(text: str, base: Path) -> str | None:
    """Why the TOML would be refused; None: it is good."""
    try:
        parse(text, base=base, source="the result")
    except ConfigError as exc:
        return str(exc)
    return None


def _toml(result: Result, problem: str | None) -> str:
    """The file, headed by what is to be completed."""
    head = ["Made by `izumi config convert` of"]
    head += [f"  {source}" for source in result.sources]
    todo = [row for row in result.rows if row.kind == "complete"]
    if problem:
        head += ["", f"NOT YET GOOD: {problem}"]
    if todo:
        head += ["", "To complete (the report says more):"]
        head += [f"  {rows.line(row)}" for row in todo]
    comment = "".join(f"# {printable(line)}".rstrip() + "\n" for line in head)
    return f"{comment}\n{tomli_w.dumps(result.settings)}"


def _report(result: Result, problem: str | None, *, json: bool) -> str:
    if json:
        made = {
            "good": problem is None,
            "problem": problem,
            "files": result.sources,
            "rows": [rows.as_json(row) for row in result.rows],
        }
        return msgspec.json.format(msgspec.json.encode(made), indent=2).decode() + "\n"
    text = rows.told(result.rows, result.sources)
    count = sum(row.kind == "complete" for row in result.rows)
    last = f"Not yet good: {problem}" if problem else "The result passes `izumi config check`"
    return f"{text}\n{printable(last)}; {count} to complete.\n"


def _write(written: Mapping[Path, str], secrets: Path | None) -> None:
    """Write files that are not there yet, for their owner alone; all of them or none.

    Raises:
        UserError: One is there with another content, or cannot be written.
    """
    try:
        if secrets is not None:
            secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path, text in written.items():
            if path.exists() and (path.is_dir() or path.read_text("utf-8") != text):
                name = printable(str(path))
                raise UserError(f"{name}: is there already; name another file, or remove it")
        for path, text in written.items():
            if path.exists():
                continue
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(text)
    except (OSError, UnicodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "is there already"
        name = getattr(exc, "filename", None) or ""
        raise UserError(f"{printable(str(name))}: cannot be written: {reason}") from exc
