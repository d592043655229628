"""The units that move files: acquisition, encoder, distributor, and tools. Pure."""

from typing import Any, Final

from izumi.moving import common, lists
from izumi.moving.document import Trail
from izumi.moving.draft import Draft
from izumi.moving.places import FileKind, Use
from izumi.moving.reader import Found, Reader, as_text, leaves, plain

_DESTINATIONS = ("upload-destinations", "upload-destination", "destinations")
_SOURCES = ("download-sources", "download-source", "sources")
_WAYS: Final = {
    "sources": frozenset({"downloading", "download", "source", "sources"}),
    "destinations": frozenset({"uploading", "upload", "destination", "destinations"}),
}


def acquisition(reader: Reader, draft: Draft) -> None:
    """Its watch folder and where it uploads."""
    common.system(reader, draft)
    watched = reader.text("watch-folder", "watch")
    places = reader.texts(*_DESTINATIONS, under=("uploading",))
    folder = reader.text("airing-folder-name", "airing-folder", under=("uploading",))
    # By number until all is settled, so that none changes its place.
    watches: dict[int, dict[str, Any]] = draft.table("acquisition").setdefault("watch", {})
    path = _path(reader, watched) if watched else ""
    number = next((n for n, one in watches.items() if one["path"] == path), len(watches))
    if watched is not None:
        _watched(reader, watched, number, again=number < len(watches))
    if watched is None:
        draft.say(
            "complete",
            f"{reader.name} names no watch folder: write it as `path`, with its `destinations`",
            where=("acquisition", "watch", number),
        )
    if number == len(watches):
        watches[number] = {
            "path": path,
            "destinations": [],
            "source": "trash",
            "remove_empty_folders": True,
        }
        if watched is not None:
            text = (
                "a file goes to the trash in its folder once every destination has it, and is "
                "deleted after 14 days; the earlier system deleted it at once, stored or not"
            )
            draft.say("decided", text, where=("acquisition", "watch", number, "source"))
    if not places:
        text = f"{reader.name} names no upload destination"
        draft.say("complete", text, where=("acquisition", "watch", number, "destinations"))
    where: Trail = ("acquisition", "watch", number, "destinations")
    draft.uses += _uses(reader, places, "softsub", folder, where)


def _path(reader: Reader, found: Found) -> str:
    text = str(found.value).strip()
    if text.startswith(("/", "~")):
        return text.rstrip("/") or "/"
    return str(reader.document.path.absolute().parent / text)


def _watched(reader: Reader, found: Found, number: int, *, again: bool) -> None:
    where = ("acquisition", "watch", number, "path")
    if again:
        text = "watched twice: the destinations of both files are those of one watch folder"
        reader.note("decided", found, text, where=where)
    elif str(found.value).strip().startswith(("/", "~")):
        reader.note("taken", found, where=where)
    else:
        reader.note("decided", found, "taken as seen from the folder of the file", where=where)


def encoder(reader: Reader, draft: Draft) -> None:
    """Where it fetched and uploaded, and how many files at once."""
    common.system(reader, draft)
    common.encode_flags(reader, draft)
    common.listening(reader, draft, "encoder", "/encode")
    group = reader.group
    table = draft.table("encoder", group)
    table.setdefault("destinations", [])
    table.setdefault("sources", [])
    draft.take(reader, reader.number("encode-jobs", "jobs"), ("encoder", group, "jobs"))
    sources = reader.texts(*_SOURCES, under=("downloading",))
    soft = reader.text("softsub-folder-name", "softsub-folder", under=("downloading",))
    draft.uses += _uses(reader, sources, "softsub", soft, ("encoder", group, "sources"))
    places = reader.texts(*_DESTINATIONS, under=("uploading",))
    hard = reader.text("hardsub-folder-name", "hardsub-folder", under=("uploading",))
    draft.uses += _uses(reader, places, "hardsub", hard, ("encoder", group, "destinations"))
    if not places:
        text = f"{reader.name} names no upload destination"
        draft.say("complete", text, where=("encoder", group, "destinations"))


def distributor(reader: Reader, draft: Draft) -> None:
    """Where it fetched and uploaded each kind of file, how many at once, and of which shows."""
    common.system(reader, draft)
    common.listening(reader, draft, "distributor", "/distribute")
    group = reader.group
    table = draft.table("distributor", group)
    table.setdefault("destinations", [])
    table.setdefault("sources", [])
    draft.take(reader, reader.number("jobs"), ("distributor", group, "jobs"))
    if made := lists.convert(reader, draft, ("distributor", group, "filter")):
        table.setdefault("filter", made)
    named = 0
    kinds: tuple[FileKind, ...] = ("softsub", "hardsub")
    for list_, words in _WAYS.items():
        for kind in kinds:
            places = _of_kind(reader, kind, words)
            draft.uses += _uses(reader, places, kind, None, ("distributor", group, list_))
            named += len(places) * (list_ == "destinations")
    if not named:
        text = f"{reader.name} names no upload destination"
        draft.say("complete", text, where=("distributor", group, "destinations"))


def _of_kind(reader: Reader, kind: str, words: frozenset[str]) -> list[Found]:
    """`downloading: {softsub: [...]}`, v5's `[softsub.downloading] sources = [...]`, and so on."""
    found: list[Found] = []
    for one in leaves(reader.document.data):
        said = {word for step in one.trail for word in plain(step).split("-")}
        if kind in said and said & words and "flags" not in said:
            if one.value in (None, "", [], {}):
                reader.note("empty", one)
            else:
                found += reader.items(one)
    return found


def tools(reader: Reader, draft: Draft) -> None:
    """Lists of remote, folder of what is airing, folder of what has ended."""
    data = reader.document.data
    listed = data if isinstance(data, list) else []
    entries = [Found((number,), one) for number, one in enumerate(listed)]
    if isinstance(data, dict):
        for found in reader.all(*map(str, data)):
            if len(found.trail) == 1 and isinstance(found.value, list):
                entries += [Found((*found.trail, n), one) for n, one in enumerate(found.value)]
    for entry in entries:
        parts = entry.value if isinstance(entry.value, list) else []
        texts = [as_text(part) for part in parts]
        if len(texts) < 2 or not texts[0] or any(text is None for text in texts[:3]):
            text = "left out: it must be [remote:path, airing folder, premiered folder]"
            reader.note("complete", entry, text)
            continue
        for number, value in enumerate(parts[3:], start=3):
            extra = Found((*entry.trail, number), value)
            reader.note("unknown", extra, "an entry has three parts; nothing is made of it")
        airing = texts[1] or ""
        kind: FileKind = "hardsub" if "hardsub" in airing.lower() else "softsub"
        remote = Found((*entry.trail, 0), texts[0])
        at = Found((*entry.trail, 1), airing)
        ended = texts[2] if len(texts) > 2 else None
        draft.uses.append(Use(reader, remote, kind, airing, at, (), ended))
        if ended is not None:
            last = Found((*entry.trail, 2), ended)
            reader.note("taken", last, "the folder of shows that have ended", where=("storage",))


def _uses(
    reader: Reader, places: list[Found], kind: FileKind, folder: Found | None, where: Trail
) -> list[Use]:
    text = None if folder is None else str(folder.value)
    if folder is not None and not places:
        reader.note("complete", folder, "left out: no place is named that it would be in")
    return [Use(reader, place, kind, text, folder, where) for place in places]
