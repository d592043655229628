"""Carries out the plan of one location, so that a kill at any point loses nothing.

Steps go in small groups: what lies there is looked at, the group is written down, done,
looked at again, and written down with what became of it. A storage that renames does so; on
one that only copies, the source goes after the copy was proved.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from izumi.domain.errors import Unavailable
from izumi.failpoints import failpoint
from izumi.storage.ports import Location
from izumi.storage.trees import Transfer, Trees
from izumi.tools.journal import Journal
from izumi.tools.judging import Verdict, after, before
from izumi.tools.plan import Step
from izumi.tools.shelves import folder_of

OnSteps = Callable[[str, int, int], None]
"""Told the location, its steps that are settled, and all of them."""

GROUP: Final = 500


class Carrier:
    """One location of an operation.

    Args:
        trees: The storage.
        at: The location.
        journal: Of the operation; its plan for the location is written.
        on_steps: Told how far it is.
        group: Steps between two lines of the journal: a kill leaves so many in doubt.
    """

    def __init__(
        self,
        trees: Trees,
        at: Location,
        journal: Journal,
        on_steps: OnSteps | None = None,
        *,
        group: int = GROUP,
    ) -> None:
        self._group = group
        self._trees = trees
        self._at = at
        self._journal = journal
        self._on_steps = on_steps
        self._progress = journal.operation.places[at.name]
        # An undo goes over what another operation may have half done.
        self._doubtful = journal.operation.opened.request.verb == "undo"
        self._copies = False
        self._seen: tuple[set[str], dict[str, int]] = (set(), {})

    async def run(self) -> None:
        """Do every step that is not settled; a location that goes away is written down."""
        try:
            self._copies = not await self._trees.renames(self._at)
            for phase in sorted({self._steps[number].phase for number in self._progress.open}):
                for group in self._groups(phase):
                    await self._do(group)
                    self._tell()
        except Unavailable as exc:
            self._journal.failed(self._at.name, str(exc))

    @property
    def _steps(self) -> Sequence[Step]:
        return self._progress.plan.steps if self._progress.plan else ()

    def _groups(self, phase: int) -> Iterator[list[int]]:
        numbers = [n for n in self._progress.open if self._steps[n].phase == phase]
        kinds = sorted({self._steps[number].kind for number in numbers})
        for kind in kinds:
            of_kind = [number for number in numbers if self._steps[number].kind == kind]
            for start in range(0, len(of_kind), self._group):
                yield of_kind[start : start + self._group]

    def _tell(self) -> None:
        if self._on_steps is not None:
            total = len(self._steps)
            self._on_steps(self._at.name, total - len(self._progress.open), total)

    async def _do(self, group: Sequence[int]) -> None:
        kind = self._steps[group[0]].kind
        if kind == "rmdir" and (waits := self._unfinished()):
            self._record(dict.fromkeys(group, Verdict("failed", waits)))
        elif kind in {"make", "rmdir"}:
            await self._folders(group)
        else:
            await self._files(group)

    def _unfinished(self) -> str:
        kinds = {self._steps[number].kind for number in self._progress.open}
        return "it goes when every file has gone" if kinds & {"move", "purge"} else ""

    async def _folders(self, group: Sequence[int]) -> None:
        """Make or remove folders; one that is not empty stays."""
        steps = [self._steps[number] for number in group]
        self._journal.begun(self._at.name, group)
        paths = [step.path for step in steps]
        if steps[0].kind == "make":
            problems = await self._trees.make(self._at, paths)
            verdicts = [Verdict("failed", said) if said else Verdict("done") for said in problems]
        else:
            failpoint("library.before_folders")
            problems = await self._trees.drop(self._at, paths)
            verdicts = [Verdict("skipped", said) if said else Verdict("done") for said in problems]
        self._record(dict(zip(group, verdicts, strict=True)))

    async def _files(self, group: Sequence[int]) -> None:
        """Move or remove files."""
        around = self._around(group)
        # What the group before left behind was looked at just now.
        sizes = self._seen[1] if self._seen[0] == around else await self._look(around)
        verdicts = {
            number: before(
                self._steps[number],
                sizes,
                begun=number in self._progress.begun,
                copied=self._copies and (self._doubtful or number in self._progress.begun),
            )
            for number in group
        }
        going = [number for number in group if verdicts[number].do == "go"]
        doubtful = [number for number in group if verdicts[number].do == "compare"]
        if going or doubtful:
            self._journal.begun(self._at.name, [*going, *doubtful])
            failpoint("library.begun")
            problems = await self._change(going)
            problems |= await self._prove(doubtful)
            failpoint("library.changed")
            sizes = await self._look(around)
            self._seen = (around, sizes)
            for number in (*going, *doubtful):
                verdicts[number] = after(self._steps[number], sizes, problems[number])
            await self._trees.to_disk(self._at, around)
        self._record(verdicts)
        failpoint("library.recorded")

    async def _change(self, going: Sequence[int]) -> dict[int, str]:
        """Have it done; what the storage said of each."""
        if not going:
            return {}
        steps = [self._steps[number] for number in going]
        if steps[0].kind == "purge":
            said = await self._trees.remove(self._at, [step.path for step in steps])
            return dict(zip(going, said, strict=True))
        transfers = [Transfer(step.path, step.to, step.size) for step in steps]
        if not self._copies:
            return dict(zip(going, await self._trees.move(self._at, transfers), strict=True))
        said = await self._trees.copy(self._at, transfers)
        failpoint("library.copied")
        problems = dict(zip(going, said, strict=True))
        return problems | await self._prove([n for n in going if not problems[n]])

    async def _prove(self, copied: Sequence[int]) -> dict[int, str]:
        """Remove the sources of copies that are what they should be."""
        problems: dict[int, str] = {}
        for number in copied:
            step = self._steps[number]
            same = await self._trees.same(self._at, step.path, step.to, step.size)
            problems[number] = "" if same else f"something else lies at {step.to}"
        good = [number for number in copied if not problems[number]]
        if good:
            failpoint("library.proved")
            paths = [self._steps[number].path for number in good]
            said = await self._trees.remove(self._at, paths)
            problems |= dict(zip(good, said, strict=True))
        return problems

    async def _look(self, around: set[str]) -> dict[str, int]:
        return await self._trees.sizes(self._at, around)

    def _around(self, group: Sequence[int]) -> set[str]:
        steps = [self._steps[number] for number in group]
        return {folder_of(path) for step in steps for path in (step.path, step.to) if path}

    def _record(self, verdicts: dict[int, Verdict]) -> None:
        outcomes = {
            number: verdict.do
            for number, verdict in verdicts.items()
            if verdict.do in {"done", "skipped", "failed"}
        }
        reasons = {number: verdict.reason for number, verdict in verdicts.items() if verdict.reason}
        self._journal.ended(self._at.name, outcomes, reasons)
