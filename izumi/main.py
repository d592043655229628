"""`izumi` and `izumi-admin`: what they can be asked, and how they end.

Exit codes of both:

    0   done
    1   it did not work, or something is held or broken; the reason was printed
    2   usage or configuration: something to change before trying again
    130 interrupted
"""

import os
import sys
from collections.abc import Callable
from typing import Final

import structlog
from cyclopts import App
from cyclopts.exceptions import CycloptsError
from rich.console import Console

from izumi import __version__
from izumi.domain.errors import IzumiError, UserError

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2
INTERRUPTED: Final = 130

_EPILOGUE = "Exit codes: 0 done, 1 did not work (the reason is printed), 2 usage or configuration."

izumi = App(
    name="izumi",
    help=f"One spring for East Asian shows: acquire, hardsub, distribute, announce.\n\n{_EPILOGUE}",
    version=__version__,
    result_action="return_value",
)
izumi.command(
    "izumi.commands.up:up",
    help="Run the bus, where it is embedded, and every unit of the configuration.",
)
izumi.command("izumi.commands.run:run", help="Run one unit, until stopped.")
izumi.command(
    "izumi.commands.acquire:acquire", help="Acquire files or folders of a watch folder now."
)
izumi.command(
    "izumi.commands.encode:encode", help="Encode one file, explain its plan, or preview a picture."
)
izumi.command(
    "izumi.commands.identify:identify", help="Say what files would be called, and how sure that is."
)
izumi.command("izumi.commands.notify:notify", help="Show what a message to people would look like.")
izumi.command(
    "izumi.commands.doctor:doctor",
    help="Look at versions, tools, locations, bus and space; one line each.",
)
izumi.command(
    "izumi.commands.demo:demo", help="Take three episodes through the whole spring, here and now."
)
_config = App(name="config", help="The configuration file.")
izumi.command(_config)
_config.command("izumi.commands.config:check", name="check", help="Check the file.")
_config.command(
    "izumi.commands.config:show", name="show", help="Print what is in force, secrets masked."
)
_config.command(
    "izumi.commands.config:reference",
    name="reference",
    help="Print every table and key, as Markdown.",
)
_config.command(
    "izumi.commands.convert:convert",
    name="convert",
    help="Turn configurations of the earlier system into one of this.",
)

admin = App(
    name="izumi-admin",
    help=f"The library and the bus in their keeper's hands.\n\n{_EPILOGUE}",
    version=__version__,
    result_action="return_value",
)
admin.register_install_completion_command(
    add_to_startup=False, help="Have the shell complete commands and names of shows."
)
_STATS = """What lies where, its size, and what is missing where.

A file ought to be at a location when this configuration says that every such file goes there:

A softsub that lies anywhere: at the destinations that all watch folders have, and at those of each
distributor group that takes softsubs.

Its hardsub: at the destinations of each encoder group, for each of its profiles, and at those of
each distributor group that takes hardsubs.

An earlier revision, as v1 beside v2: nowhere else. Groups with a filter, or with deliver = "new",
are not judged, nor is a location that is away.

Exit codes: 0 every location was looked at, whatever is missing; 1 one was away; 2 usage.
"""
_acquisition = App(name="acquisition", help="Files of the watch folders.")
_hold = App(name="hold", help="What a person must decide.")
_rules = App(name="rules", help="What names are read with: learnt of holds, or said before.")
_dlq = App(name="dlq", help="Dead letters: what was given up.")
_jobs = App(name="jobs", help="Jobs of every unit.")
_bus = App(name="bus", help="Streams and consumers.")
_notify = App(name="notify", help="What people were told.")
_keys = App(name="keys", help="Keys of the gateway's clients.")
for _sub in (_acquisition, _hold, _rules, _dlq, _jobs, _notify, _bus, _keys):
    admin.command(_sub)
_acquisition.command(
    "izumi.commands.acquisition:acquisition_list",
    name="list",
    help="Every file with its state, since when and why.",
)
_hold.command("izumi.commands.holds:hold_list", name="list", help="What is held, by whom and why.")
_hold.command("izumi.commands.holds:hold_show", name="show", help="All that is known of one.")
_hold.command(
    "izumi.commands.holds:hold_approve", name="approve", help="Take it as read, or do it again."
)
_hold.command(
    "izumi.commands.holds:hold_fix", name="fix", help="Say what it is; once or as a rule."
)
_hold.command("izumi.commands.holds:hold_reject", name="reject", help="Leave it, and ask no more.")
_rules.command("izumi.commands.rules:rules_list", name="list", help="Every rule.")
_rules.command("izumi.commands.rules:rules_add", name="add", help="Say what a title is.")
_rules.command("izumi.commands.rules:rules_remove", name="remove", help="Take it out of force.")
_dlq.command(
    "izumi.commands.deadletters:dlq_list", name="list", help="What was given up, by whom and why."
)
_dlq.command(
    "izumi.commands.deadletters:dlq_show", name="show", help="One of them, with its evidence."
)
_dlq.command("izumi.commands.deadletters:dlq_retry", name="retry", help="Order the work again.")
_dlq.command(
    "izumi.commands.deadletters:dlq_drop", name="drop", help="Take it off the list, undone."
)
_jobs.command(
    "izumi.commands.jobs:jobs_list", name="list", help="Every job with its state and progress."
)
_jobs.command(
    "izumi.commands.timeline:jobs_show", name="show", help="The whole life of an episode."
)
_jobs.command("izumi.commands.jobs:jobs_cancel", name="cancel", help="Stop jobs for good.")
_jobs.command("izumi.commands.jobs:jobs_retry", name="retry", help="Order settled jobs once more.")
_notify.command("izumi.commands.told:told_list", name="list", help="Of what, where and when.")
_notify.command("izumi.commands.told:told_again", name="resend", help="Tell again, anew.")
_notify.command("izumi.commands.told:told_test", name="test", help="Send a message to a target.")
_keys.command("izumi.commands.keys:keys_add", name="add", help="Make one, and print it.")
_keys.command("izumi.commands.keys:keys_list", name="list", help="Every client, and what it may.")
_keys.command("izumi.commands.keys:keys_revoke", name="revoke", help="Take one away.")
_bus.command("izumi.commands.bus:bus_plan", name="plan", help="What `apply` would change.")
_bus.command(
    "izumi.commands.bus:bus_apply",
    name="apply",
    help="Make streams and consumers what they should be.",
)
_bus.command(
    "izumi.commands.bus:bus_backup", name="backup", help="Copy every stream into a new folder."
)
_bus.command(
    "izumi.commands.bus:bus_restore", name="restore", help="Make the bus what it was then."
)
for _name, _module, _help in (
    ("shows", "library_history", "Every show, and where it lies."),
    ("move", "library", "Bring a show that has ended to the premiered shelves."),
    ("rename", "library", "Give episodes their clean names, or a folder another one."),
    ("season", "library", "Bring everything in a show into a folder of its season."),
    ("delete", "library", "Send a show to the trash."),
    ("rmdir", "library", "Remove empty folders."),
    ("resume", "library_history", "Go on with what was interrupted."),
    ("undo", "library_history", "Take back what was done to the library."),
    ("trash", "library_history", "What waits in the trash; empty it."),
    ("history", "library_history", "Who did what to the library, and when."),
):
    admin.command(f"izumi.commands.{_module}:{_name}", name=_name, help=_help)
admin.command("izumi.commands.replay:replay", help="Order work again, from one group alone.")
admin.command("izumi.commands.stats:stats", help=_STATS)
admin.command("izumi.commands.admin:drain", help="Ask an instance to finish what runs, and to end.")
admin.command("izumi.commands.admin:nodes", help="The living instances.")


def run() -> None:
    """Entry point of `izumi`."""
    sys.exit(_run(izumi))


def run_admin() -> None:
    """Entry point of `izumi-admin`."""
    sys.exit(_run(admin))


def _run(app: App) -> int:
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    return outcome(
        lambda: app(exit_on_error=False, error_console=errors, print_error=True),
        lambda line: errors.print(f"{app.name[0]}: {line}", markup=False),
    )


def outcome(command: Callable[[], object], complain: Callable[[str], None]) -> int:
    """The exit code of a command, its errors told in one line each."""
    code: object = OK
    try:
        code = command()
    except CycloptsError:
        code = USAGE
    except IzumiError as exc:
        complain(str(exc))
        code = USAGE if isinstance(exc, UserError) else FAILED
    except ExceptionGroup as exc:
        code = _grouped(exc, complain)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough; nothing may be flushed to it any more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code if isinstance(code, int) else OK


def _grouped(group: ExceptionGroup[Exception], complain: Callable[[str], None]) -> int:
    """One line for each of ours; anything else is a fault and shows where it is."""
    ours, others = group.split(IzumiError)
    if others is not None:
        structlog.get_logger().error("command.crashed", exc_info=others)
    codes = [outcome(_raising(exc), complain) for exc in (ours.exceptions if ours else ())]
    return max([FAILED] * (others is not None) + codes, default=FAILED)


def _raising(error: Exception) -> Callable[[], object]:
    def command() -> object:
        raise error

    return command
