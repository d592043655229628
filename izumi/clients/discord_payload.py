"""Embeds as the JSON that Discord takes, built by the library discord-webhook.

Version 1.4.1 is a builder here and nothing more: what it calls `json` holds its own state
(time-out, proxies with their passwords, flags), it checks no limit, sends no
`allowed_mentions`, and its requests post twice or raise after a success. So its result is
reduced to Discord's keys, and `discord.py` sends it.
"""

from typing import Any, Final

import msgspec
from discord_webhook import DiscordEmbed, DiscordWebhook

from izumi.domain.embed import Embed

_KEYS: Final = ("embeds", "allowed_mentions")
_EMBED_KEYS: Final = (
    "title", "description", "url", "timestamp", "color", "footer", "thumbnail", "author", "fields",
)  # fmt: skip


def payload(wanted: Embed) -> dict[str, Any]:
    """The body of a message with one embed, and nobody pinged by it."""
    built = DiscordEmbed(
        title=wanted.title,
        description=wanted.description,
        url=wanted.url,
        color=wanted.colour,
        timestamp=wanted.timestamp,
    )
    if wanted.footer:
        built.set_footer(wanted.footer)
    if wanted.thumbnail:
        built.set_thumbnail(wanted.thumbnail)
    if wanted.author:
        built.set_author(wanted.author, url=wanted.author_url)
    for name, value, inline in wanted.fields:
        built.add_embed_field(name, value, inline=inline)
    # The address stays with the client: nothing here is to hold a secret.
    message = DiscordWebhook("", allowed_mentions={"parse": []})
    message.add_embed(built)
    body = {key: value for key, value in message.json.items() if key in _KEYS}
    body["embeds"] = [_reduced(embed) for embed in body["embeds"]]
    return body


def body(wanted: Embed) -> bytes:
    """`payload` as it goes on the wire."""
    return msgspec.json.encode(payload(wanted))


def _reduced(embed: dict[str, Any]) -> dict[str, Any]:
    """Only what Discord knows and what is there."""
    kept = {key: embed[key] for key in _EMBED_KEYS if embed.get(key) not in (None, [], "")}
    for key in ("footer", "thumbnail", "author"):
        if key in kept:
            kept[key] = {name: value for name, value in kept[key].items() if value is not None}
    return kept
