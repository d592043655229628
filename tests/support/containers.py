"""Minimal containers, built by the byte: whole by their headers, without any picture."""

SEGMENT = bytes.fromhex("18538067")
CLUSTER = bytes.fromhex("1f43b675")
VOID = b"\xec"
UNKNOWN = b"\x01" + b"\xff" * 7


def element(identity: bytes, data: bytes, *, length: bytes | None = None) -> bytes:
    """One EBML element; its length takes eight bytes."""
    return identity + (length or (len(data) | 1 << 56).to_bytes(8, "big")) + data


def matroska(size: int = 4096, *, seed: int = 0, clusters: int = 4) -> bytes:
    """A Matroska file of at least `size` bytes; another `seed` gives another content."""
    body = f"{seed:016d}".encode()
    each = max(16, size // clusters)
    inside = b"".join(
        element(CLUSTER, (body * (each // len(body) + 1))[:each]) for _ in range(clusters)
    )
    return element(bytes.fromhex("1a45dfa3"), b"\x42\x86\x81\x01") + element(SEGMENT, inside)


def box(kind: bytes, data: bytes = b"", *, length: int | None = None) -> bytes:
    """One MP4 box."""
    return (len(data) + 8 if length is None else length).to_bytes(4, "big") + kind + data


def mp4(data: bytes = b"x" * 64) -> bytes:
    """An MP4 file whose index comes first."""
    index = box(b"moov", box(b"mvhd", b"\0" * 8))
    return box(b"ftyp", b"isom\0\0\0\0isom") + index + box(b"mdat", data)
