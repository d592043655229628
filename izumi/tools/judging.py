"""Whether a step may be done, from what lies there now, and what came of it. Pure."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from izumi.tools.plan import Step

Do = Literal["go", "compare", "done", "skipped", "failed"]


class Verdict(NamedTuple):
    """What is to be done about a step.

    Attributes:
        do: "go": do it. "compare": both files are there, and may be one that was copied.
            Else what became of it already.
        reason: Of what is not done.
    """

    do: Do
    reason: str = ""


def before(step: Step, sizes: Mapping[str, int], *, begun: bool, copied: bool) -> Verdict:
    """Whether a move or a removal may be done.

    Args:
        step: It.
        sizes: The files that lie in its folders.
        begun: It may have been done before.
        copied: It may have been half done: the storage moves by copying.
    """
    size, there = sizes.get(step.path), sizes.get(step.to)
    if size is None:
        return _gone(step, there, begun=begun)
    if size != step.size:
        was = f"{size} bytes instead of {step.size}"
        return Verdict("failed", f"{step.path} changed since it was listed: it has {was}")
    if step.kind == "purge" or there is None:
        return Verdict("go")
    if copied and there == step.size:
        return Verdict("compare")
    return Verdict("failed", f"something else lies at {step.to}")


def _gone(step: Step, there: int | None, *, begun: bool) -> Verdict:
    """Of a file that is not there: whether that is as it should be."""
    gone = f"{step.path} is not there any more"
    if step.kind == "purge":
        return Verdict("done") if begun else Verdict("skipped", gone)
    if there != step.size:
        return Verdict("failed", gone)
    return Verdict("done") if begun else Verdict("skipped", f"{step.to} lies there already")


def after(step: Step, sizes: Mapping[str, int], problem: str) -> Verdict:
    """What became of a move or removal that was ordered.

    Args:
        step: It.
        sizes: The files that lie in its folders now.
        problem: What the storage said; "" for nothing.
    """
    gone = step.path not in sizes
    if gone and (step.kind == "purge" or sizes.get(step.to) == step.size):
        return Verdict("done")
    lies = "is still there" if not gone else f"did not arrive as {step.to}"
    return Verdict("failed", problem or f"{step.path} {lies}")
