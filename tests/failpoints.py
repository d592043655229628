"""Which failpoints of the source no test has hit: `python -m tests.failpoints TRACE`.

The trace is what `izumi.failpoints` wrote while the tests ran.
"""

import re
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent / "izumi"


def declared() -> set[str]:
    """The name of every failpoint in the source; a name that is no literal is an error."""
    names: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        text = path.read_text("utf-8")
        calls = re.findall(r"(?<!def )\bfailpoint\(([^)]*)\)", text)
        for argument in calls:
            if path.name == "failpoints.py":
                continue
            if not re.fullmatch(r'"[a-z_]+\.[a-z_]+"', argument):
                raise SystemExit(f"{path}: failpoint({argument}) is no literal name")
            names.add(argument.strip('"'))
    return names


def main(trace: Path) -> int:
    """Print the names that were never hit; 1 when there are some."""
    hit = set(trace.read_text("utf-8").split()) if trace.exists() else set()
    missed = sorted(declared() - hit)
    for name in missed:
        print(f"never hit: {name}")
    print(f"{len(declared())} failpoints, {len(missed)} of them never hit")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
