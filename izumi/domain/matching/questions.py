"""What to search the catalogue for."""

from izumi.domain.matching.entry import Wanted
from izumi.domain.matching.titles import head_of, unmarked


def questions(wanted: Wanted) -> tuple[str, ...]:
    """Texts to search the catalogue for, the best first, each once."""
    found: dict[str, None] = {}
    titles = wanted.titles[:4]
    for title in titles[:2]:
        found.setdefault(title.strip())
    for title in titles[:2]:
        plain = unmarked(title)
        if wanted.season is not None and wanted.season > 1:
            found.setdefault(f"{plain} {wanted.season}")
        found.setdefault(plain)
    for title in titles[:1]:
        head = head_of(title)
        if head is not None:
            found.setdefault(head)
        words = title.split()
        if len(words) > 3:
            found.setdefault(" ".join(words[:3]))
    for title in titles[2:]:
        found.setdefault(title.strip())
    seen: set[str] = set()
    texts = []
    for text in found:
        key = text.casefold()
        if key and key not in seen:
            seen.add(key)
            texts.append(text[:200])
    return tuple(texts[:6])
