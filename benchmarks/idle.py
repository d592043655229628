"""What an idle `izumi up` takes: memory of all its processes, and processor time.

    python -m benchmarks.idle [SECONDS]

Every unit is configured; bars: 400 MB in all (proportional set size, so that what the
processes share counts once), 3 % of one core. Exit code 1 when one is missed.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

MB = 1 << 20
BAR_BYTES = 400 * MB
BAR_SHARE = 0.03
UNITS = """
[acquisition]
[[acquisition.watch]]
path = "{base}/watch"
destinations = ["home"]
[encoder.main]
destinations = ["home"]
[distributor.public]
destinations = ["home"]
[distributor.private]
destinations = ["home"]
[notifier.main]
log = true
[storage.home]
remote = "{base}/home"
[bus.embedded]
port = 47222
"""


def tree(pid: int) -> list[int]:
    """A process and everything below it."""
    text = subprocess.run(
        ["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    pairs = [tuple(map(int, line.split())) for line in text.splitlines()]
    found, edge = [pid], [pid]
    while edge:
        parent = edge.pop()
        born = [child for child, of in pairs if of == parent]
        found += born
        edge += born
    return found


def memory_bytes(pid: int) -> int:
    """Proportional set size."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def cpu_s(pid: int) -> float:
    """Processor time so far; ticks are hundredths of a second."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def name_of(pid: int) -> str:
    """What a process is, in a few words."""
    argv = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    words = [Path(arg.decode("utf-8", "replace")).name for arg in argv[:5]]
    return " ".join(word for word in words if word)[:48]


def main() -> int:
    """Start, let it settle, measure."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 30.0
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        for name in ("watch", "home"):
            (base / name).mkdir()
        config = base / "izumi.toml"
        config.write_text(f'state = "{base}/state"\n' + UNITS.format(base=base))
        argv = [sys.executable, "-m", "izumi", "up", "--config", str(config)]
        with subprocess.Popen(argv, stderr=subprocess.DEVNULL) as up:
            try:
                time.sleep(15)
                pids = tree(up.pid)
                before = {pid: cpu_s(pid) for pid in pids}
                time.sleep(seconds)
                rows = [(pid, memory_bytes(pid), cpu_s(pid) - before[pid]) for pid in pids]
                for pid, size, used in rows:
                    share = used / seconds
                    print(f"{name_of(pid):50} {size / MB:7.1f} MB {share:7.2%} of a core")
            finally:
                up.terminate()
    memory, share = sum(row[1] for row in rows), sum(row[2] for row in rows) / seconds
    print(f"{'in all':50} {memory / MB:7.1f} MB {share:7.2%} of a core")
    missed = memory > BAR_BYTES or share > BAR_SHARE
    print("a bar is missed" if missed else "both bars hold: 400 MB, 3 %")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
