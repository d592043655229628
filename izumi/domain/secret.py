"""A text that no log, error, event or `config show` may hold."""

import hmac
from typing import Final, NoReturn

_MASK: Final = "***"


class Secret:
    """A webhook URL, a key: shown as `***` however it is printed; only `reveal()` tells it.

    It is no `str`, so that joining, formatting or encoding it by accident either shows
    the mask or fails. msgspec asks a hook for such a type: `dec_hook` makes one of the
    text of a configuration file, `enc_hook` writes the mask.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text; call it where it is used and keep no copy."""
        return self._text

    def __repr__(self) -> str:
        return _MASK

    def __str__(self) -> str:
        return _MASK

    def __format__(self, spec: str) -> str:
        return format(_MASK, spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(_bytes(self), _bytes(other))

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __reduce__(self) -> NoReturn:
        msg = "a secret is not pickled"
        raise TypeError(msg)


def _bytes(secret: Secret) -> bytes:
    # compare_digest takes no text beyond ASCII, and surrogates come from any environment.
    return secret.reveal().encode("utf-8", "surrogatepass")


def enc_hook(value: object) -> str:
    """For msgspec encoders: a secret as its mask.

    Raises:
        NotImplementedError: Something else than a secret; msgspec reports the type.
    """
    if isinstance(value, Secret):
        return str(value)
    raise NotImplementedError(type(value).__name__)


def dec_hook(kind: type, value: object) -> Secret:
    """For msgspec decoders: a non-empty text as a secret.

    Raises:
        ValueError: Not a text, or empty; the value itself is not shown.
        NotImplementedError: Another type is wanted.
    """
    if kind is not Secret:
        raise NotImplementedError(kind.__name__)
    if not isinstance(value, str) or not value:
        msg = "Expected a text that is not empty"
        raise ValueError(msg)
    return Secret(value)
