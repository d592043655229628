"""Language tags as containers write them, made comparable."""

from typing import Final

_CODES: Final = {
    "ar": "ara", "bg": "bul", "ca": "cat", "chi": "zho",
    "chs": "zho", "cht": "zho", "cmn": "zho", "yue": "zho", "cs": "ces", "cze": "ces",
    "da": "dan", "de": "deu", "dut": "nld", "el": "ell", "en": "eng", "es": "spa",
    "et": "est", "fa": "fas", "fi": "fin", "fr": "fra", "fre": "fra", "ger": "deu",
    "gre": "ell", "he": "heb", "hi": "hin", "hr": "hrv", "hu": "hun", "id": "ind",
    "in": "ind", "it": "ita", "iw": "heb", "ja": "jpn", "jp": "jpn", "ko": "kor",
    "lt": "lit", "lv": "lav", "may": "msa", "ms": "msa", "nb": "nob", "nl": "nld",
    "no": "nor", "per": "fas", "pl": "pol", "pt": "por", "ro": "ron", "ru": "rus",
    "rum": "ron", "sk": "slk", "sl": "slv", "slo": "slk", "sr": "srp", "sv": "swe",
    "th": "tha", "tl": "tgl", "tr": "tur", "uk": "ukr", "vi": "vie", "zh": "zho",
}  # fmt: skip
_UNSAID: Final = frozenset({"", "und", "mis", "mul", "zxx", "qaa"})


def normal(tag: str) -> str:
    """`en`, `en-US` and `ENG` as `eng`; empty where the tag says nothing."""
    code = tag.strip().lower().replace("_", "-").partition("-")[0]
    code = _CODES.get(code, code)
    return "" if code in _UNSAID else code


_NAMES: Final = {
    "english": "eng", "japanese": "jpn", "日本語": "jpn", "chinese": "zho", "中文": "zho",
    "korean": "kor", "한국어": "kor", "german": "deu", "deutsch": "deu", "french": "fra",
    "français": "fra", "spanish": "spa", "español": "spa", "italian": "ita", "italiano": "ita",
    "portuguese": "por", "português": "por", "russian": "rus", "русский": "rus",
    "arabic": "ara", "العربية": "ara", "polish": "pol", "polski": "pol", "indonesian": "ind",
    "vietnamese": "vie", "thai": "tha", "turkish": "tur", "dutch": "nld",
}  # fmt: skip


def named(text: str) -> str:
    """The language that a person means by `eng`, `en` or `English`; empty: it is none."""
    word = text.strip().casefold()
    if word in _NAMES:
        return _NAMES[word]
    return normal(word) if word in _CODES or word in _CODES.values() else ""


def of_track(tag: str, title: str) -> str:
    """The language of a track: by its tag, else by a language's name in its title."""
    said = normal(tag)
    if said:
        return said
    found = {code for name, code in _NAMES.items() if name in title.casefold()}
    return found.pop() if len(found) == 1 else ""
