"""The one place that starts processes.

Every child gets an argv list (never a shell), a session and process group of its own,
a clean environment, a closed stdin and bounded output. It ends in steps (TERM, a grace,
KILL, on the whole group) and dies with its parent, SIGKILL included.
"""

from izumi.children.child import Child, Finished, Limits, run, start
from izumi.children.locate import locate

__all__ = ["Child", "Finished", "Limits", "locate", "run", "start"]
