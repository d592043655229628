"""Damages a copy of a file, as disks, networks and stopped downloads do."""

import random
from typing import Final, Literal

Damage = Literal["cut", "zeros", "flip", "swap", "grown"]
KINDS: Final[tuple[Damage, ...]] = ("cut", "zeros", "flip", "swap", "grown")


def damaged(whole: bytes, kind: Damage, place: random.Random) -> bytes:
    """A copy that differs: cut short, a block of zeros, one bit, two blocks swapped, more."""
    data = bytearray(whole)
    at = place.randrange(len(data))
    match kind:
        case "cut":
            del data[at:]
        case "zeros":
            size = place.choice([4096, 65536])
            data[at : at + size] = bytes(min(size, len(data) - at))
        case "flip":
            data[at] ^= 1 << place.randrange(8)
        case "swap":
            half = len(data) // 2
            first, second = place.randrange(half - 512), half + place.randrange(half - 512)
            block = data[first : first + 512]
            data[first : first + 512] = data[second : second + 512]
            data[second : second + 512] = block
        case "grown":
            data[at:at] = place.randbytes(16)
    return bytes(data)
