"""`[acquisition]` and `[[acquisition.watch]]`."""

import math
import os
import pwd
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from izumi.domain.errors import ConfigError
from izumi.domain.fix import Fix
from izumi.domain.release import Extras
from izumi.domain.subjects import Priority
from izumi.storage.entries import VIDEO, Rules, rules


class WatchSettings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """`[[acquisition.watch]]`: one folder, everything below it included.

    Attributes:
        path: The folder. `<path>/<Show>/<Season 2>/<file>` helps to tell what a file is.
        destinations: Locations that get every file, named as in `[storage.<name>]`.
        priority: Of everything that comes of these files.
        quiet_s: A file is looked into after so many seconds without a change.
        extensions: Of the files that are taken.
        ignore: Shell patterns of names or paths that are left alone, in any case, such as
            "*sample*" or "extras/*".
        announce_after: "all": a file is announced once every destination holds it, proved.
            "any": once one does; it is brought to the others all the same, to each on its
            own, until it is there.
        source: What becomes of the file once it is announced and every destination holds
            it: "keep" leaves it where it is, "delete" deletes it, "trash" puts it into
            `.izumi-trash` in the folder, "move" moves it to `move_to`. Never any other file.
        trash_days: What is in the trash is deleted after so many days.
        move_to: Folder that files are moved to, with the folders that they lie in here; it
            must be there. What lies there is never overwritten.
        extras: What becomes of openings, trailers, samples and the like, in the file's
            name or its folder's: "hold" asks a person, "file" stores them below
            `<Show>/Extras`, "ignore" leaves them where they are. What only may be an
            extra is asked about in any case.
        owners: Users whose files are taken, by name or number, besides this user, root and
            the owner of the folder; "*" takes whoever's. Others could have a file of a third
            one acquired by linking it into the folder.
        remove_empty_folders: Remove the folders that a file left empty when it was
            deleted or moved.
        show: All files here are of this show, whatever their names say.
        season: All files here are of this season.
        anilist_id: Of the show's entry at AniList.
        folders: Whether the names of folders in here say anything of show and season.
    """

    path: Path
    destinations: tuple[str, ...]
    priority: Priority = "normal"
    quiet_s: float = 10.0
    extensions: tuple[str, ...] = VIDEO
    ignore: tuple[str, ...] = ()
    announce_after: Literal["all", "any"] = "all"
    source: Literal["keep", "delete", "trash", "move"] = "keep"
    trash_days: float = 14.0
    move_to: Path | None = None
    extras: Extras = "hold"
    owners: tuple[str | int, ...] = ()
    remove_empty_folders: bool = False
    show: str | None = None
    season: int | None = None
    anilist_id: int | None = None
    folders: bool = True

    def __post_init__(self) -> None:
        """Check what one table alone can tell."""
        if not self.destinations:
            raise ValueError("destinations: name at least one [storage.<name>]")
        if len(set(self.destinations)) < len(self.destinations):
            raise ValueError(f"destinations: {', '.join(self.destinations)}: one is named twice")
        if not self.extensions:
            raise ValueError("extensions: name at least one, such as .mkv")
        if self.quiet_s < 0:
            raise ValueError(f"quiet_s: {self.quiet_s} must be 0 or more")
        if not self.path.is_absolute():
            raise ValueError(f"path: {str(self.path)!r} must be absolute")
        self._check_source()
        # What a person may say of a file is what they may say of all.
        _ = self.hint

    def _check_source(self) -> None:
        if not 0 < self.trash_days < math.inf:
            raise ValueError(f"trash_days: {self.trash_days} must be more than 0")
        if (self.source == "move") != (self.move_to is not None):
            raise ValueError('move_to: belongs to source = "move", which needs it')
        if self.move_to is None:
            return
        if not self.move_to.is_absolute():
            raise ValueError(f"move_to: {str(self.move_to)!r} must be absolute")
        if self.move_to.is_relative_to(self.path):
            raise ValueError(f"move_to: {self.move_to} must not lie in the watch folder")

    @property
    def hint(self) -> Fix | None:
        """What all files here are; None: nothing is settled beforehand.

        Raises:
            ValueError: It cannot be.
        """
        if self.show is None and self.season is None and self.anilist_id is None:
            return None
        return Fix(show=self.show, season=self.season, anilist_id=self.anilist_id)

    def rules(self) -> Rules:
        """What is taken from the folder.

        Raises:
            ConfigError: This host has no user of a name in `owners`.
        """
        try:
            owners = uids(self.owners, own=os.geteuid(), of_name=_uid)
        except KeyError as exc:
            msg = f"{self.path}: owners: this host has no user {exc.args[0]!r}"
            raise ConfigError(msg) from exc
        return rules(self.extensions, self.ignore, owners)


def uids(
    owners: Sequence[str | int], *, own: int, of_name: Callable[[str], int]
) -> frozenset[int] | None:
    """The user ids whose files are taken; None: whoever's. Pure.

    Args:
        owners: Of the settings.
        own: User of this process.
        of_name: The id of a user of this host; raises KeyError.
    """
    if "*" in owners:
        return None
    named = (of_name(one) if isinstance(one, str) else one for one in owners)
    # Whoever is root needs no trick.
    return frozenset({own, 0, *named})


def _uid(name: str) -> int:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError as exc:
        raise KeyError(name) from exc


class AcquisitionSettings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """`[acquisition]`: what this host acquires.

    Attributes:
        watch: The folders.
        jobs: Files that are proved, stored and announced at once.
        sweep_s: Every folder is walked so often; changes are usually seen at once.
        polled_sweep_s: The same for network mounts, and where changes cannot be watched.
        polled_quiet_s: Least quiet time on network mounts, where writers are not seen.
        stuck_after_s: A file that is quiet and still not whole is held after so long.
        held_again_s: A held file is tried again after so long, then ever more seldom.
        claim_s: Another host takes over a file whose host was silent for so long.
        remember_days: How long files that left their folder are remembered.
        staging: Folder for files in hand; on the file system of the watch folders a file
            is linked into it, elsewhere copied. `<state>/staging` when not set.
    """

    watch: tuple[WatchSettings, ...] = ()
    jobs: int = 2
    sweep_s: float = 60.0
    polled_sweep_s: float = 20.0
    polled_quiet_s: float = 60.0
    stuck_after_s: float = 6 * 3600.0
    held_again_s: float = 600.0
    claim_s: float = 120.0
    remember_days: float = 30.0
    staging: Path | None = None

    def __post_init__(self) -> None:
        """Check what the table alone can tell."""
        if self.jobs < 1:
            raise ValueError(f"jobs: {self.jobs} must be 1 or more")
        positive = ("sweep_s", "polled_sweep_s", "stuck_after_s", "held_again_s", "claim_s")
        for name in positive:
            if getattr(self, name) <= 0:
                raise ValueError(f"{name}: {getattr(self, name)} must be more than 0")
