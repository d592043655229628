"""Runs Python with limits of its own, where the host lets an unprivileged user do so."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run_with_inotify_limit(limit: str, code: str) -> "subprocess.CompletedProcess[str] | None":
    """Run `code` where `/proc/sys/user/<limit>` is set; None where that is not possible."""
    if shutil.which("unshare") is None:
        return None
    name, value = limit.split("=")
    script = f'echo {value} > /proc/sys/user/{name} || exit 77; exec "$0" -c "$1"'
    done = subprocess.run(
        ["unshare", "-U", "-r", "sh", "-c", script, sys.executable, code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return None if done.returncode == 77 or "unshare" in done.stderr else done
