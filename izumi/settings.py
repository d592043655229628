"""One TOML file, typed: found, read, checked, and shown with its secrets masked."""

import difflib
import os
import re
import socket
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

import msgspec

from izumi.bus.settings import BusSettings
from izumi.clients.settings import (
    AnilistSettings,
    DiscordSettings,
    KitsuSettings,
    ListSettings,
    MyAnimeListSettings,
)
from izumi.consumers.distributor import DistributorSettings
from izumi.consumers.encoder_settings import EncoderSettings
from izumi.consumers.endpoints_settings import EndpointsSettings
from izumi.consumers.notifier_settings import NotifierSettings
from izumi.domain.errors import ConfigError
from izumi.domain.profile import Profile
from izumi.domain.retry import RetryPolicy
from izumi.domain.secret import Secret
from izumi.domain.template import SHIPPED, Template
from izumi.media.settings import FfmpegSettings
from izumi.publishers.acquisition import AcquisitionSettings
from izumi.publishers.gateway import GatewaySettings
from izumi.runtime.settings import LogSettings, MetricsSettings, WorkerSettings
from izumi.runtime.telemetry import printable
from izumi.storage.settings import RcloneSettings, StorageSettings
from izumi.tools.settings import LibrarySettings

VARIABLE: Final = "IZUMI_CONFIG"
OVERLAY: Final = "IZUMI__"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,47}")


class Settings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """The whole configuration file.

    Attributes:
        state: Folder for what must survive a restart: ledgers, caches, the embedded bus.
        scratch: Folder for work in progress; `<state>/scratch` when not set.
        host: What this host calls itself in events; its host name when not set.
        log: How to log.
        metrics: Where counters and gauges are served, if anywhere.
        bus: Where the bus is, or that it runs here.
        rclone: The rclone that moves files.
        ffmpeg: The ffmpeg that encodes.
        storage: Named locations.
        library: How `izumi-admin` changes the library.
        acquisition: Watch folders; without it this host acquires nothing.
        encoder: Encoder groups of this host.
        distributor: Distributor groups of this host.
        notifier: Notifier groups of this host.
        endpoints: Units of the earlier system elsewhere that are told over HTTP.
        gateway: Requests over HTTP; without it this host takes none.
        template: What messages look like, besides `full` and `compact`.
        list: Users' lists, for filters.
        profile: Encoding profiles besides the default one, `hardsub`.
        worker: How jobs are run, retried and given up.
        retry: When a job is tried again.
        anilist: Which show a release belongs to, and facts of shows.
        kitsu: Links to Kitsu.
        myanimelist: How users' lists there are read.
        discord: How Discord is reached.
    """

    state: Path
    scratch: Path | None = None
    host: str = msgspec.field(default_factory=socket.gethostname)
    log: LogSettings = msgspec.field(default_factory=LogSettings)
    metrics: MetricsSettings = msgspec.field(default_factory=MetricsSettings)
    bus: BusSettings = msgspec.field(default_factory=BusSettings)
    rclone: RcloneSettings = msgspec.field(default_factory=RcloneSettings)
    ffmpeg: FfmpegSettings = msgspec.field(default_factory=FfmpegSettings)
    storage: dict[str, StorageSettings] = {}
    library: LibrarySettings = msgspec.field(default_factory=LibrarySettings)
    acquisition: AcquisitionSettings | None = None
    encoder: dict[str, EncoderSettings] = {}
    distributor: dict[str, DistributorSettings] = {}
    notifier: dict[str, NotifierSettings] = {}
    endpoints: dict[str, EndpointsSettings] = {}
    gateway: GatewaySettings | None = None
    template: dict[str, Template] = {}
    list: dict[str, ListSettings] = {}
    profile: dict[str, Profile] = {}
    worker: WorkerSettings = msgspec.field(default_factory=WorkerSettings)
    retry: RetryPolicy = msgspec.field(default_factory=RetryPolicy)
    anilist: AnilistSettings = msgspec.field(default_factory=AnilistSettings)
    kitsu: KitsuSettings = msgspec.field(default_factory=KitsuSettings)
    myanimelist: MyAnimeListSettings = msgspec.field(default_factory=MyAnimeListSettings)
    discord: DiscordSettings = msgspec.field(default_factory=DiscordSettings)

    @property
    def acquisition_state(self) -> Path:
        """Where acquisition keeps its ledger and staged files."""
        return self.state / "acquisition"

    def encoding(self, name: str) -> Profile:
        """An encoding profile; `hardsub` is there without being configured."""
        return self.profile.get(name) or Profile()


def find(path: Path | None, environ: Mapping[str, str] = os.environ) -> Path:
    """The file to read: the one asked for, or the first of the usual places.

    Raises:
        ConfigError: There is none; the text lists where it was looked for.
    """
    places = _places(path, environ)
    for place in places:
        if place.is_file():
            return place.absolute()
    looked = ", ".join(map(str, places))
    msg = f"no configuration at {looked}; give --config FILE, or start from izumi.example.toml"
    raise ConfigError(msg)


def find_or_none(path: Path | None, environ: Mapping[str, str] = os.environ) -> Path | None:
    """As `find`; None where no file was asked for, and none is at the usual places.

    Raises:
        ConfigError: The file that was asked for is not there.
    """
    if path is not None or VARIABLE in environ:
        return find(path, environ)
    return next((place.absolute() for place in _places(path, environ) if place.is_file()), None)


def _places(path: Path | None, environ: Mapping[str, str]) -> list[Path]:
    if path is not None:
        return [path]
    if VARIABLE in environ:
        return [Path(environ[VARIABLE])]
    home = Path(environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return [Path("izumi.toml"), home / "izumi" / "izumi.toml", Path("/etc/izumi/izumi.toml")]


def unconfigured(environ: Mapping[str, str] = os.environ) -> Settings:
    """What holds without a file: defaults, and what the environment puts over them.

    The state is `$XDG_STATE_HOME/izumi`, else `~/.local/state/izumi`.

    Raises:
        ConfigError: One line with path, value and the way out.
    """
    home = Path(environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    document: dict[str, Any] = {"state": str(home / "izumi")}
    return _checked(document, environ, Path(), "the environment")


def load(path: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read and check a file.

    `IZUMI__BUS__ACK_WAIT_S=5` in the environment replaces `[bus] ack_wait_s`. Relative
    paths count from the file's own folder.

    Raises:
        ConfigError: One line with file, path, value and the way out.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        msg = f"{path}: cannot be read: {exc}"
        raise ConfigError(msg) from exc
    return parse(text, base=path.parent, source=str(path), environ=environ)


def parse(
    text: str, *, base: Path, source: str, environ: Mapping[str, str] = MappingProxyType({})
) -> Settings:
    """Check the text of a file.

    Args:
        text: The file.
        base: Folder that relative paths count from.
        source: What errors call it.
        environ: What may stand over it; nothing by default.

    Raises:
        ConfigError: One line with source, path, value and the way out.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        msg = f"{source}: not TOML: {exc}"
        raise ConfigError(msg) from exc
    return _checked(document, environ, base, source)


def _checked(
    document: dict[str, Any], environ: Mapping[str, str], base: Path, source: str
) -> Settings:
    _overlay(document, environ)
    try:
        settings = structured(document, base)
    except ConfigError as exc:
        raise ConfigError(f"{source}: {exc}") from exc
    for problem in cross_check(settings):
        raise ConfigError(f"{source}: {printable(problem)}")
    return settings


def structured(document: dict[str, Any], base: Path) -> Settings:
    """The tables of a document, each checked by itself; `cross_check` looks at all together.

    Raises:
        ConfigError: The first mistake, its path, value and the way out.
    """
    try:
        return msgspec.convert(document, Settings, dec_hook=_hook(base))
    except msgspec.ValidationError as exc:
        raise ConfigError(printable(explain(str(exc), document))) from exc


def _overlay(document: dict[str, Any], environ: Mapping[str, str]) -> None:
    """Put the environment's values over the file's; they are read as TOML where they are."""
    for name, value in environ.items():
        if not name.startswith(OVERLAY):
            continue
        *tables, key = name.removeprefix(OVERLAY).lower().split("__")
        table: Any = document
        for step in tables:
            table = table.setdefault(step, {})
            if not isinstance(table, dict):
                raise ConfigError(f"{name}: {step!r} is no table of the configuration")
        try:
            table[key] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            table[key] = value


def _hook(base: Path) -> Callable[[type, Any], Any]:
    def convert(kind: type, value: Any) -> Any:
        if not isinstance(value, str) or not value:
            raise ValueError("Expected a text that is not empty")
        if kind is Path:
            return base / Path(value).expanduser()
        if kind is Secret:
            return Secret(value)
        raise NotImplementedError(kind)

    return convert


def explain(text: str, document: Mapping[str, Any]) -> str:
    """Msgspec's sentence as ours: the table by name, the value, the nearest known key."""
    message, _, where = text.partition(" - at `")
    steps = _steps(where.rstrip("`"), document)
    path = ".".join(steps)
    unknown = re.search(r"unknown field `(.*)`", message, re.DOTALL)
    if unknown:
        known = _fields(steps)
        hint = _hint(unknown[1], known)
        return (
            f"[{path}] unknown key `{unknown[1]}`; {hint}"
            if path
            else (f"unknown key `{unknown[1]}`; {hint}")
        )
    value = _value(steps, document)
    if message.startswith("Invalid enum value"):
        message = f"{message}; {_hint(str(value), _values(steps))}"
    shown = "" if value is None or isinstance(value, dict) else f" (it is {value!r})"
    return f"{path}: {message}{shown}" if path else message


def _hint(text: str, known: Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(text, names, n=1, cutoff=0.5)
    return f"did you mean `{near[0]}`?" if near else f"known are {', '.join(names) or 'none'}"


def _values(steps: Sequence[str]) -> list[str]:
    """The values that the key at `steps` may have."""
    kind: Any = Settings
    for step in steps:
        kind = _inside(kind, step)
    choices = [kind, *get_args(kind)]
    return [str(arg) for arg in get_args(next(c for c in choices if get_origin(c) is Literal))]


def _steps(where: str, document: Mapping[str, Any]) -> list[str]:
    """The keys along msgspec's path, which writes `[...]` for any key of a free table."""
    steps: list[str] = []
    kind: Any = Settings
    here: Any = document
    for step in re.findall(r"\[\.\.\.\]|\[\d+\]|[^.\[\]$]+", where):
        inner = _inside(kind, step)
        name = _culprit(here, inner) if step == "[...]" else step.strip("[]")
        if isinstance(here, dict):
            here = here.get(name)
        elif isinstance(here, list) and name.isdigit():
            here = here[int(name)]
        steps.append(name)
        kind = inner
    return steps


def _culprit(table: Any, kind: Any) -> str:
    """Which entry of a free table does not convert."""
    for name, value in table.items() if isinstance(table, dict) else ():
        try:
            msgspec.convert(value, kind, dec_hook=_hook(Path()))
        except msgspec.ValidationError:
            return str(name)
    return "..."


def _fields(steps: Sequence[str]) -> list[str]:
    """The keys that the table at `steps` may have."""
    kind: Any = Settings
    for step in steps:
        kind = _inside(kind, step)
    return sorted(kind.__struct_fields__) if hasattr(kind, "__struct_fields__") else []


def _inside(kind: Any, step: str) -> Any:
    """The type of what lies at `step` of something of type `kind`."""
    candidates = [kind, *get_args(kind)]
    for struct in candidates:
        if step in getattr(struct, "__struct_fields__", ()):
            inner = get_type_hints(struct)[step]
            optional = [arg for arg in get_args(inner) if arg is not type(None)]
            return optional[0] if len(optional) == 1 and type(None) in get_args(inner) else inner
    # A free table or an array: the type of its values.
    return next((arg for arg in reversed(get_args(kind)) if arg is not Ellipsis), kind)


def _value(steps: Sequence[str], document: Mapping[str, Any]) -> Any:
    """What stands at `steps`; masked where it may be a secret."""
    here: Any = document
    for step in steps:
        if isinstance(here, dict):
            here = here.get(step)
        elif isinstance(here, list) and step.isdigit() and int(step) < len(here):
            here = here[int(step)]
    secret = steps and re.search(r"url|key|token|secret|password|auth", steps[-1])
    return "***" if secret and here is not None else here


def cross_check(settings: Settings) -> Iterator[str]:
    """What no table alone can tell: names that other tables must have."""
    if settings.bus.embedded is not None and settings.bus.embedded.port == 0:
        yield "[bus.embedded] port: 0 would be another one at every start; name one, such as 4222"
    for table in (
        "storage",
        "encoder",
        "distributor",
        "notifier",
        "endpoints",
        "template",
        "list",
        "profile",
    ):
        for name in getattr(settings, table):
            if not _NAME.fullmatch(name):
                yield (
                    f"[{table}.{name}]: a name has letters, digits, `-` and `_`, begins with "
                    "a letter or digit, and is at most 48 long"
                )
    for place, name in _wanted_locations(settings):
        if name not in settings.storage:
            yield f"{place}: {_no_such(name, 'storage', settings.storage)}"
    yield from _encoder_problems(settings)
    yield from _template_problems(settings)
    yield from _list_problems(settings)
    yield from _watch_problems(settings)


def _encoder_problems(settings: Settings) -> Iterator[str]:
    """Profiles that are not there, and outputs of one name at one place."""
    known = settings.profile.keys() | {"hardsub"}
    makers: dict[tuple[str, str], str] = {}
    for group, encoder in settings.encoder.items():
        for name in encoder.profiles:
            if name not in known:
                yield f"[encoder.{group}] profiles: {_no_such(name, 'profile', sorted(known))}"
                continue
            suffix = settings.encoding(name).suffix
            for place in encoder.destinations:
                maker = f"[encoder.{group}] with [profile.{name}]"
                other = makers.setdefault((place, suffix), maker)
                if other != maker:
                    yield (
                        f"{other} and {maker} make files of one name at {place}; give one of the "
                        'profiles a suffix, such as suffix = " [HEVC]"'
                    )


def _template_problems(settings: Settings) -> Iterator[str]:
    known = {**settings.template, **SHIPPED}
    for group, notifier in settings.notifier.items():
        for target in notifier.targets:
            if target.template not in known:
                place = f"[notifier.{group}] {target.name}, template"
                yield f"{place}: {_no_such(target.template, 'template', known)}"


def _list_problems(settings: Settings) -> Iterator[str]:
    """Lists that are not there, or at a service that is not to be asked."""
    filters = [
        (f"[distributor.{group}]", distributor.filter)
        for group, distributor in settings.distributor.items()
    ]
    for group, notifier in settings.notifier.items():
        filters += [
            (f"[notifier.{group}] {target.name},", target.filter) for target in notifier.targets
        ]
    for place, rules in filters:
        for name in rules.lists:
            if name not in settings.list:
                yield f"{place} filter.lists: {_no_such(name, 'list', settings.list)}"
    for name, ours in settings.list.items():
        if ours.service == "anilist" and not settings.anilist.enabled:
            yield (
                f"[list.{name}] service: AniList is not asked, since [anilist] has "
                "enabled = false; take that away, or the list"
            )


def _wanted_locations(settings: Settings) -> Iterator[tuple[str, str]]:
    for number, watch in enumerate(settings.acquisition.watch if settings.acquisition else ()):
        for name in watch.destinations:
            yield f"[[acquisition.watch]] number {number + 1}, destinations", name
    for table in ("encoder", "distributor"):
        for group, unit in getattr(settings, table).items():
            for key in ("sources", "destinations"):
                for name in getattr(unit, key):
                    yield f"[{table}.{group}] {key}", name


def _no_such(name: str, table: str, known: Iterable[str]) -> str:
    return f"there is no [{table}.{name}]; {_hint(name, known)}"


def _watch_problems(settings: Settings) -> Iterator[str]:
    watches = settings.acquisition.watch if settings.acquisition else ()
    own = [settings.state, settings.scratch or settings.state]
    for number, watch in enumerate(watches):
        place = f"[[acquisition.watch]] number {number + 1}, path"
        for folder in own:
            if folder.is_relative_to(watch.path) or watch.path.is_relative_to(folder):
                yield f"{place}: {watch.path} and Izumi's own {folder} must lie apart"
                break
        for other in watches[:number]:
            if watch.path.is_relative_to(other.path) or other.path.is_relative_to(watch.path):
                yield f"{place}: {watch.path} overlaps the watch folder {other.path}"
        yield from _stored_below(settings, watch.path, place)
        if watch.move_to is not None:
            yield from _moved_below(settings, watch.move_to, place.replace("path", "move_to"))


def _stored_below(settings: Settings, watch: Path, place: str) -> Iterator[str]:
    for name, storage in settings.storage.items():
        for below in (storage.softsub, storage.hardsub):
            folder = Path(storage.remote, below)
            if folder.is_relative_to(watch):
                yield (
                    f"{place}: [storage.{name}] keeps files in {folder}, which lies in {watch}: "
                    "they would be acquired again"
                )


def _moved_below(settings: Settings, move_to: Path, place: str) -> Iterator[str]:
    watches = settings.acquisition.watch if settings.acquisition else ()
    for folder in (*(watch.path for watch in watches), settings.acquisition_state):
        if move_to.is_relative_to(folder):
            yield f"{place}: {move_to} must not lie in {folder}"


def secrets(settings: Settings) -> list[str]:
    """Every secret text in the configuration, for the mask of the log."""
    return [value.reveal() for value in _walk(settings) if isinstance(value, Secret)]


def _walk(value: Any) -> Iterator[Any]:
    yield value
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _walk(getattr(value, name))
    elif isinstance(value, dict):
        for item in value.values():
            yield from _walk(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _walk(item)


def shown(settings: Settings) -> dict[str, Any]:
    """The configuration as TOML values, defaults filled in, secrets masked."""

    def plain(value: Any) -> Any:
        if isinstance(value, msgspec.Struct):
            fields = {name: getattr(value, name) for name in value.__struct_fields__}
            return {key: plain(item) for key, item in fields.items() if item not in (None, {}, ())}
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, tuple | list):
            return [plain(item) for item in value]
        return value if isinstance(value, bool | int | float | str) else str(value)

    table: dict[str, Any] = plain(settings)
    return table
