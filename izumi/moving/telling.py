"""The units that tell people: notifier, and the addons Mochi, Jindou and Kisaragi. Pure."""

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

from izumi.clients.apprise_service import AppriseService
from izumi.clients.discord_address import WebhookAddress
from izumi.domain.errors import ConfigError
from izumi.domain.links import base_fault
from izumi.domain.secret import Secret
from izumi.moving import common, lists
from izumi.moving.document import Trail
from izumi.moving.draft import Draft
from izumi.moving.places import unique
from izumi.moving.reader import Found, Reader, as_number, as_text, plain

_DEV: Final = ("dev-webhook", "dev-webhooks", "dev-discord-webhook")
_WEBHOOKS: Final = ("discord-webhook", "discord-webhooks", "webhook", "webhooks", "discord", *_DEV)


def notifier(reader: Reader, draft: Draft) -> None:
    """Its webhooks, filter, and what was for trying things out."""
    common.system(reader, draft)
    common.listening(reader, draft, "notifier", "/notify")
    group = reader.group
    table = draft.table("notifier", group)
    draft.take(reader, reader.number("jobs"), ("notifier", group, "jobs"))
    rules = lists.convert(reader, draft, ("notifier", group, "discord", "filter"))
    targets: list[dict[str, Any]] = table.get("discord", [])
    names = {"log", *(target["name"] for target in targets)}
    for found in (*reader.holding("facebook"), *reader.all("fb-chat", "fbchat")):
        reader.note("none", found, "Facebook's chat takes no messages of programs any more")
    for found, dev in _webhooks(reader):
        target = _target(reader, draft, found, names)
        if target is None:
            continue
        if dev:
            target["dev"] = True
        elif rules:
            target["filter"] = rules
        targets.append(target)
    if targets:
        table["discord"] = targets
    else:
        text = "no webhook is named: news go to the log alone until there is one"
        draft.say("complete", text, where=("notifier", group, "discord"))
    _dev(reader, draft, group, known=any(target.get("dev") for target in targets))


def _dev(reader: Reader, draft: Draft, group: str, *, known: bool) -> None:
    found = reader.flag("use-dev", under=("system",))
    if found is not None and found.value and not known:
        reader.note("complete", found, "left out: no webhook of `dev` is there to be told")
        return
    draft.take(reader, found, ("notifier", group, "dev"))


def _webhooks(reader: Reader) -> Iterator[tuple[Found, bool]]:
    """Every webhook, and whether it is for trying things out."""
    keys = reader.all(*_WEBHOOKS, under=("modules", "dev", "mochi"))
    keys += [
        found
        for found in reader.all("dev")
        if not isinstance(found.value, dict) or "url" in reader.below(found)
    ]
    for found in keys:
        dev = bool({"dev", *_DEV} & {plain(step) for step in found.trail})
        if isinstance(found.value, list) and found.value:
            for number, inner in enumerate(found.value):
                yield Found((*found.trail, number), inner), dev
        elif isinstance(found.value, str | dict) and found.value:
            yield found, dev
        elif found.value in (None, "", [], {}):
            reader.note("empty", found)
        else:
            reader.note("complete", found, "left out: it must list webhooks, each with its url")


def _target(reader: Reader, draft: Draft, found: Found, names: set[str]) -> dict[str, Any] | None:
    """`[[notifier.<group>.discord]]`; None: it has no address, which is noted."""
    keys = reader.below(found) if isinstance(found.value, dict) else {"url": found}
    url = keys.get("url")
    address = (as_text(url.value) or "").strip() if url is not None else ""
    if url is None or not address:
        reader.note("complete", found, "left out: a webhook needs its url")
        return None
    if (reader.group, address) in draft.told:
        reader.note("decided", found, "told already, as another webhook has its address")
        return None
    draft.told.add((reader.group, address))
    said = keys.get("name")
    name = (as_text(said.value) or "").strip() if said is not None else ""
    named = unique(name or "discord", names)
    target: dict[str, Any] = {"name": named}
    where: Trail = ("notifier", reader.group, "discord")
    key = draft.keep(target, "url", address, f"notifier-{reader.group}-{named}")
    reader.note("taken", url, where=(*where, key))
    if said is not None:
        if name == named:
            reader.note("taken", said, where=(*where, "name"))
        else:
            reader.note("decided", said, f"called {named!r}: names tell targets apart", where=where)
    try:
        WebhookAddress(Secret(address), place=f"webhook {named!r}")
    except ConfigError as exc:
        reader.note("complete", url, str(exc), where=(*where, key))
    if (template := keys.get("template")) is not None:
        _template(reader, template, where)
    return target


def _template(reader: Reader, found: Found, where: Trail) -> None:
    if found.value in (None, ""):
        reader.note("empty", found)
    elif as_number(found.value) == 1:
        reader.note("taken", found, "the template `full`", where=(*where, "template"))
    else:
        text = 'the template `full`, which is what there was; "compact", or one of your own'
        reader.note("decided", found, text, where=(*where, "template"))


def mochi(reader: Reader, draft: Draft) -> None:
    """Its webhooks, with where their files can be had."""
    common.system(reader, draft)
    common.listening(reader, draft, "notifier", "/mochi")
    group = reader.group
    kinds = []
    for one in reader.texts("sub-types", "sub-type"):
        if plain(one.value) in {"softsub", "hardsub"}:
            kinds.append(plain(one.value))
            where: Trail = ("notifier", group, "discord", "filter", "subs")
            reader.note("taken", one, where=where)
        else:
            reader.note("complete", one, "left out: a kind is softsub or hardsub")
    names: set[str] = {"log"}
    targets = []
    for found, _ in _webhooks(reader):
        target = _target(reader, draft, found, names)
        if target is None:
            continue
        target["filter"] = {"subs": list(dict.fromkeys(kinds)) or ["hardsub"]}
        keys = reader.below(found)
        if (base := keys.get("base") or keys.get("base-url")) is not None:
            _base(reader, base, target)
        targets.append(target)
    draft.table("notifier")[group] = {"discord": targets} if targets else {}
    text = (
        "tells by itself, as it did; with `link_base` at a target of another group the link "
        "would stand in that one's message, and this group could go"
    )
    draft.say("decided", text, where=("notifier", group))
    if "softsub" in kinds:
        text = "links are to hardsubs; for softsubs give the location a `link_base`"
        draft.say("complete", text, where=("notifier", group, "discord", "link_base"))


def _base(reader: Reader, found: Found, target: dict[str, Any]) -> None:
    value = (as_text(found.value) or "").strip().rstrip("/")
    if base_fault("base", value):
        reader.note("complete", found, "left out: links begin with an address such as https://host")
        return
    target["link_base"] = value
    reader.note("taken", found, where=("notifier", reader.group, "discord", "link_base"))


def jindou(reader: Reader, draft: Draft) -> None:
    """Its chat at Telegram, which Apprise tells."""
    common.system(reader, draft)
    token = reader.text("token", "bot-token", under=("telegram",))
    chat = reader.text("chat-id", "chat", under=("telegram",))
    where: Trail = ("notifier", reader.group, "apprise")
    if token is None or chat is None:
        for found in (token, chat):
            if found is not None:
                reader.note("complete", found, "left out: Telegram needs a token and a chat_id")
        text = 'Telegram needs a token and a chat_id: url = "tgram://TOKEN/CHAT_ID"'
        draft.say("complete", text, where=where)
        return
    target: dict[str, Any] = {"name": "telegram"}
    parts = [quote(str(found.value).strip(), safe=":@-") for found in (token, chat)]
    address = f"tgram://{'/'.join(parts)}/"
    key = draft.keep(target, "url", address, f"notifier-{reader.group}-telegram")
    reader.note("taken", token, where=(*where, key))
    reader.note("taken", chat, where=(*where, key))
    draft.table("notifier")[reader.group] = {"apprise": [target]}
    try:
        AppriseService(Secret(address), place="telegram")
    except ConfigError as exc:
        reader.note("complete", token, str(exc), where=(*where, key))


def kisaragi(reader: Reader, draft: Draft) -> None:
    """It never was finished: what its keys meant is not known."""
    common.system(reader, draft)
    data = reader.document.data
    for found in reader.all(*map(plain, data if isinstance(data, dict) else ())):
        reader.note("none", found, "its keys were never settled; nothing is made of them")
