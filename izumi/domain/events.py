"""What travels on the bus: msgspec structs in JSON, tagged `file.acquired/1`.

Optional fields may be added to a struct; a change that an older instance would read
wrongly is a new tag. An instance that does not know a tag retries the message, since a
newer instance may know it, and the message is dead-lettered when no one ever does.
"""

import datetime as dt
import re
from typing import Any, Literal

import msgspec

from izumi.domain import keys, subjects
from izumi.domain.errors import BadEvent, BadKey, UnknownEvent
from izumi.domain.fix import Fix
from izumi.domain.rules import Rule
from izumi.domain.show import Show
from izumi.domain.subjects import Priority, Sub

NULL = msgspec.Raw(b"null")

_SHA256 = re.compile(r"[0-9a-f]{64}")

AnswerKind = Literal["approve", "fix", "reject"]
"""What a person may say to a hold."""


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """Base of everything on the wire; `type` carries the tag."""


class Episode(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a release turned out to be.

    Attributes:
        show: Title of the show, as its folder is called.
        season: None where the name has none.
        number: As written: "7", "12.5", "1-12"; None for a film or a single file.
        revision: 2 for "v2"; None where the name has none.
        resolution: "1080p"; None where the name has none.
        group: The release group.
        anilist_id: Its entry in AniList's catalogue; None while that is open.
        mal_id: The same at MyAnimeList.
        anilist_number: The episode's number in that entry, where it differs from `number`:
            seasons of a show that counts on are entries that begin with 1.
    """

    show: str
    season: int | None = None
    number: str | None = None
    revision: int | None = None
    resolution: str | None = None
    group: str | None = None
    anilist_id: int | None = None
    mal_id: int | None = None
    anilist_number: str | None = None


class File(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file of the library.

    Attributes:
        key: `<show folder>/<episode file>` below the folder of any location.
        size: Bytes.
        sha256: Lower-case hex of the whole content; None only for a file that an old
            HTTP requester named by size alone.
        sub: Decides which folder of a location the file lies in.
    """

    key: str
    size: int
    sha256: str | None
    sub: Sub

    @property
    def id(self) -> str:
        """Identity derived from what the file is; see `subjects.file_id`."""
        return subjects.file_id(self.sha256 or f"size:{self.size}", self.key)


class Acquired(Message, frozen=True, kw_only=True, tag="file.acquired/1"):
    """A release was named, stored and proved.

    Attributes:
        file: The stored file.
        episode: What it is.
        sources: Names of the locations that hold it, nearest first.
        release: The name it came under, for people.
        at: When it was stored.
        host: The host that stored it, for people.
    """

    file: File
    episode: Episode
    sources: tuple[str, ...]
    priority: Priority = "normal"
    release: str = ""
    at: dt.datetime
    host: str = ""


class Encoded(Message, frozen=True, kw_only=True, tag="file.encoded/1"):
    """A file was made from another one, stored and proved.

    Attributes:
        file: The new file.
        origin: The file that it was made from.
        recipe: How: ffmpeg version, profile, plan, fonts; JSON values.
        replaces: What lay under its name before, made of the same file, and makes room for
            it wherever it lies: a person ordered it anew.
    """

    file: File
    episode: Episode
    sources: tuple[str, ...]
    origin: File
    profile: str
    recipe: dict[str, Any] = {}
    replaces: tuple[File, ...] = ()
    priority: Priority = "normal"
    at: dt.datetime
    host: str = ""


class Distributed(Message, frozen=True, kw_only=True, tag="file.distributed/1"):
    """A file lies, proved, at one more destination."""

    file: File
    episode: Episode
    group: str
    destination: str
    at: dt.datetime
    host: str = ""


class Notified(Message, frozen=True, kw_only=True, tag="file.notified/1"):
    """The people behind the targets of a group were told.

    Attributes:
        job: The news: job id of the notifier's work.
        targets: Name of each target told.
    """

    file: File
    episode: Episode
    group: str
    job: str
    targets: tuple[str, ...]
    at: dt.datetime
    host: str = ""


class HeldFile(Message, frozen=True, kw_only=True, tag="file.held/1"):
    """A person must decide; nothing was guessed and nothing dropped.

    Attributes:
        unit: The unit that holds it.
        job: What identifies the hold: a job id, or a ledger id of acquisition.
        name: What a person would call it: the key, or the path below the watch folder.
        reason: One sentence that names the value and what would settle it.
        facts: What is known.
        step: What cannot be done before it is answered: "settle" (the file is not whole),
            "identify", "store" (something else lies in its place), "bring" (the same, at a
            location that gets it after it was announced); only of acquisition.
        answers: What may be said to it.
        title: The title by which a rule would know the release; empty: none was read.
        season: The season that the release writes.
        fix: What was said before, and was not enough; an answer adds to it.
        origin: The message whose work is held, as it came; `null` for acquisition.
    """

    unit: str
    group: str = ""
    job: str
    name: str
    reason: str
    facts: dict[str, str] = {}
    step: str = ""
    answers: tuple[AnswerKind, ...] = ()
    title: str = ""
    season: int | None = None
    fix: Fix | None = None
    origin: msgspec.Raw = msgspec.field(default_factory=lambda: NULL)
    at: dt.datetime
    host: str = ""

    @property
    def hold(self) -> str:
        """What the hold is called on its subject: groups of a unit hold one job each."""
        return f"{self.group}-{self.job}" if self.group else self.job


class Answered(Message, frozen=True, kw_only=True, tag="file.answered/1"):
    """A hold was answered, or is none any more. It counts for a hold told before it.

    Attributes:
        unit: The unit that holds the file.
        hold: The last token of the hold's subject.
        answer: "approve": take it as it was read, in spite of the reason; of other units
            than acquisition: do the work again. "fix": take it as `fix` says. "reject":
            leave it, and do not ask again. "settled": nobody answered, it went on by itself.
        fix: What it is.
        rule: Id of the rule that was made of the fix.
        name: What a person would call the file.
        reason: Why it was rejected, or how it was settled.
        by: Who says so, for people.
    """

    unit: str
    hold: str
    answer: Literal["approve", "fix", "reject", "settled"]
    fix: Fix | None = None
    rule: str = ""
    name: str = ""
    reason: str = ""
    by: str = ""
    at: dt.datetime

    def __post_init__(self) -> None:
        if (self.answer == "fix") != (self.fix is not None):
            raise ValueError("a fix says what the file is, and no other answer does")


class LetterAnswered(Message, frozen=True, kw_only=True, tag="letter.answered/1"):
    """A dead letter is off the list; the last such message on its subject counts.

    Attributes:
        letter: Its number: the place of the server's notice among the dead letters.
        answer: "retry": its work was ordered again. "drop": nobody shall do it.
        unit: Whose work it was; empty where the consumer is none of Izumi's.
        group: Its group.
        source: Place in the stream of the message that was given up.
        job: Job that does the work again; of a retry.
        reason: Why, for people.
        by: Who says so, for people.
    """

    letter: int
    answer: Literal["retry", "drop"]
    unit: str = ""
    group: str = ""
    source: int
    job: str = ""
    reason: str = ""
    by: str = ""
    at: dt.datetime


class RuleMade(Message, frozen=True, kw_only=True, tag="rule.made/1"):
    """A rule is in force from now on; it takes the place of one about the same."""

    rule: Rule


class RuleRemoved(Message, frozen=True, kw_only=True, tag="rule.removed/1"):
    """A rule is in force no more.

    Attributes:
        id: Of the rule.
        by: Who says so, for people.
    """

    id: str
    by: str = ""
    at: dt.datetime


class JobRecord(Message, frozen=True, kw_only=True, tag="job/1"):
    """One entry of a job's log; the last one is its state.

    Attributes:
        owner: Instance that wrote the entry.
        source: Stream sequence of the message that ordered the job.
        attempt: Claims so far, this one included; counted here because the server's
            own count can fall back after a crash.
        checkpoint: What the work needs to go on where it stopped; carried from claim
            to claim. JSON values.
        reason: Why it failed, waits, is held or was cancelled.
        host_failures: Attempts that failed because of a host, not because of the job.
        lost: Claims that ended without a word: the instance died or froze.
        since: When the job was first claimed.
    """

    state: Literal["claimed", "done", "failed", "held", "waiting", "cancelled"]
    owner: str
    source: int
    attempt: int = 1
    checkpoint: dict[str, Any] = {}
    reason: str = ""
    host_failures: int = 0
    lost: int = 0
    since: dt.datetime | None = None
    at: dt.datetime


class ToldMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message that stands at a target.

    Attributes:
        id: What the target calls it; "" where it cannot be edited.
        says: Hash of what it says.
        facts: Places in the note's facts of those that it tells.
        at: When it was sent or edited.
    """

    id: str
    says: str
    facts: tuple[int, ...]
    at: dt.datetime


class Untold(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a target was not told of the latest news.

    Attributes:
        state: "waits": it is tried again; "lost": the target refused it, or is off;
            "filtered": its filter keeps it back.
        reason: In words; never with an address.
        at: Since when.
    """

    state: Literal["waits", "lost", "filtered"]
    reason: str = ""
    at: dt.datetime


class Note(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """News of one or more episodes of a show, in one message at each target.

    Attributes:
        id: The job that began it.
        facts: What happened so far, in the order in which it was heard.
        show: What is known of the show.
        messages: By target.
        untold: By target, where something was not told there.
        at: When the last episode was added.
    """

    id: str
    facts: tuple[Acquired | Encoded | Distributed, ...]
    show: Show | None = None
    messages: dict[str, ToldMessage] = {}
    untold: dict[str, Untold] = {}
    at: dt.datetime


class Told(Message, frozen=True, kw_only=True, tag="told/1"):
    """What a notifier group told of a show.

    Attributes:
        show: Name of its folder.
        notes: The youngest last; old ones are dropped.
        holder: Job and instance that are at it now; "" when none is.
    """

    group: str
    show: str
    notes: tuple[Note, ...] = ()
    holder: str = ""
    at: dt.datetime


class LibraryPlace(msgspec.Struct, frozen=True, kw_only=True):
    """What an operation did at one location.

    Attributes:
        name: The location.
        files: Files that were to be moved or removed there.
        size: Their bytes.
        done: Nothing of it is left to do.
    """

    name: str
    files: int
    size: int
    done: bool


class LibraryChanged(Message, frozen=True, kw_only=True, tag="library.changed/1"):
    """A person changed the library; told again when what was left of it is done.

    Attributes:
        operation: Its name, as `izumi-admin history` lists it.
        verb: "move", "rename", "season", "delete", "rmdir", "empty" (the trash) or "undo".
        show: Folder of the show below its shelf, as it was; "" where all of a shelf is meant.
        became: The same afterwards; "" where it is gone.
        shelves: Those that it lay on: "airing", "premiered".
        places: By location.
        undoes: The operation that was taken back.
        by: Who did it, for people.
    """

    operation: str
    verb: str
    show: str = ""
    became: str = ""
    shelves: tuple[str, ...] = ()
    places: tuple[LibraryPlace, ...]
    undoes: str = ""
    by: str = ""
    at: dt.datetime
    host: str = ""


class Progress(Message, frozen=True, kw_only=True, tag="progress/1"):
    """How far one job is.

    Attributes:
        fraction: 0 to 1; None where it cannot be told.
        step: "downloading", "encoding", ...
        detail: For people: speed, frames, destination.
        fps: Pictures a second, while a film is worked on.
        speed: Seconds of film in a second, likewise.
        eta_s: Seconds until the step is done, likewise.
    """

    unit: str
    group: str
    job: str
    instance: str
    name: str
    step: str
    fraction: float | None = None
    detail: str = ""
    fps: float | None = None
    speed: float | None = None
    eta_s: float | None = None
    at: dt.datetime


class Node(Message, frozen=True, kw_only=True, tag="node/1"):
    """One living instance; repeated every few seconds, gone when it is not.

    Attributes:
        state: "running", "draining" or "broken" (the circuit breaker opened).
    """

    unit: str
    group: str
    instance: str
    host: str
    version: str
    state: Literal["running", "draining", "broken"]
    jobs: tuple[str, ...] = ()
    reason: str = ""
    since: dt.datetime
    at: dt.datetime


class Control(Message, frozen=True, kw_only=True, tag="control/1"):
    """A command to an instance, or to all of a unit.

    Attributes:
        command: "drain": finish what runs, take nothing new, end.
        by: Who says so, for people.
    """

    command: Literal["drain"]
    by: str = ""
    at: dt.datetime


Fact = Acquired | Encoded | Distributed | Notified | HeldFile | Answered
"""Everything on `izumi.file.>`; orders on `izumi.do.>` carry one of these too."""

FACTS: tuple[type[Message], ...] = (Acquired, Encoded, Distributed, Notified, HeldFile, Answered)
MESSAGES: tuple[type[Message], ...] = (
    *FACTS,
    LetterAnswered,
    RuleMade,
    RuleRemoved,
    JobRecord,
    Told,
    LibraryChanged,
    Progress,
    Node,
    Control,
)

_encoder = msgspec.json.Encoder()
_facts: msgspec.json.Decoder[Fact] = msgspec.json.Decoder(Fact)
_rules: msgspec.json.Decoder[RuleMade | RuleRemoved] = msgspec.json.Decoder(RuleMade | RuleRemoved)


def encode(message: Message) -> bytes:
    """The message as it goes on the wire."""
    return _encoder.encode(message)


def decode_fact(data: bytes) -> Fact:
    """A fact from the wire.

    Raises:
        UnknownEvent: A tag that this version does not know.
        BadEvent: The bytes are no fact; the text says where.
    """
    try:
        return _sound(_facts.decode(data))
    except (msgspec.DecodeError, RecursionError, UnicodeError) as exc:
        if str(exc).endswith("at `$.type`") and str(exc).startswith("Invalid value"):
            msg = f"unknown message: {exc}"
            raise UnknownEvent(msg) from exc
        msg = f"not a fact: {exc}"
        raise BadEvent(msg) from exc


def _sound(fact: Fact) -> Fact:
    """The fact, when its file can be one: whoever wrote it, nobody works on another."""
    file = getattr(fact, "file", None)
    if isinstance(file, File):
        if not 0 <= file.size < 1 << 63:
            raise BadEvent(f"not a fact: the size of {file.key!a} is {file.size}")
        if file.sha256 is not None and not _SHA256.fullmatch(file.sha256):
            raise BadEvent(f"not a fact: the sha256 of {file.key!a} is {file.sha256[:80]!a}")
        try:
            keys.parse_key(file.key)
        except BadKey as exc:
            raise BadEvent(f"not a fact: {exc}") from exc
    return fact


def decode_rule(data: bytes) -> RuleMade | RuleRemoved:
    """A rule, or that it was removed, from the wire.

    Raises:
        BadEvent: The bytes are neither, or of a newer version; the text says where.
    """
    try:
        return _rules.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as exc:
        raise BadEvent(f"not a rule: {exc}") from exc


def raw(data: bytes) -> msgspec.Raw:
    """The message as it came, to be carried inside another one; `null` when it is no JSON."""
    try:
        msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return NULL
    return msgspec.Raw(data)


def subject_of(fact: Fact) -> str:
    """The subject that a fact is published on."""
    match fact:
        case Acquired():
            return subjects.acquired(fact.file.sub, fact.priority, fact.file.id)
        case Encoded():
            return subjects.encoded(fact.file.sub, fact.priority, fact.file.id)
        case Distributed():
            return subjects.distributed(fact.group, fact.destination, fact.file.id)
        case Notified():
            return subjects.notified(fact.group, fact.job)
        case HeldFile():
            return subjects.held(fact.unit, fact.hold)
        case Answered():
            return subjects.answered(fact.unit, fact.hold)
