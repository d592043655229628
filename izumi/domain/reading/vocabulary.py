"""The words of the trade: what in a release name is no title.

`STRONG` words end a title wherever they stand in free text. `WEAK` words do so only inside
brackets or behind the episode, since titles use them too ("Web", "Movie", "Final").
"""

# ruff: noqa: RUF001 - the characters that look like others are the matter here

import re

_VIDEO = """
    x264 x265 h264 h265 h.264 h.265 x.264 x.265 avc hevc av1 vp9 xvid divx divx5 mpeg2 mpeg4 mpeg-4
    vc-1 vc1 10bit 8bit 12bit 10-bit 8-bit 12-bit 10bits 8bits hi10p hi10 hi444pp hi422p ma10p
    main10 yuv420p yuv420p10 yuv444p yuv444p10 yuv444p10le yuv420p10le hdr hdr10 hdr10+ sdr dv
    dovi 60fps 24fps 30fps 23.976fps 120fps vfr cfr fullhd remastered qhd hi10-p avc-yuv420p10
    avc-8bit hevc-10bit hevc-8bit avc-10bit 10bit-hevc x265-10bit crf bt709
"""
_AUDIO = """
    aac aac2 aac2.0 aac5.1 aacx2 aacx3 aacx4 2xaac qaac he-aac flac flac2.0 flac5.1 flacx2 flacx3
    2xflac ac3 e-ac-3 eac3 e-ac3 ac-3 eac-3 dd2.0 dd5.1 ddp ddp2.0 ddp5.1 dd+ dd+2.0 dd+5.1 dts
    dts-hd dtshd dts-es dts-x truehd atmos mp3 ogg vorbis lpcm pcm 2.0ch 2ch 5.1ch
    6ch dualaudio dual-audio dual.audio multiaudio multi-audio ma5.1 dts5.1 aac+flac opus2.0
"""
_SOURCE = """
    bdrip bd-rip brrip blu-ray bluray bdremux bdmv bdiso dvdrip dvd-rip dvd-r dvdiso dvd5 dvd9 r2j
    r2dvd r1dvd r2jraw webrip web-rip webdl web-dl webdlrip web-mkv hdtv hdtvrip hdtv-rip tvrip
    tv-rip dtv dtvrip dvbrip satrip hdrip hdcam vhsrip ldrip laserdisc remux uhd
    at-x b-global hmax amzn dsnp viutv bdrips reseed
"""
_STRONG_OTHER = """
    vostfr subfrench multi-sub multi-subs multisub multisubs softsub softsubs hardsub hardsubs
    softsubbed hardsubbed multiple-subtitle eng-sub eng-subs engsub engsubs jpn-eng ita-sub
    sub-ita gersub engsub japdub engdub gerdub jp-dub remastered uncut mp4 mkv avi wmv ogm rmvb
    vosta pc&psp pc&psv vostfr-hd 4k uhd
"""
_WEAK = """
    web bd dvd hd fhd sd tv dl cr nf hulu adn baha abema sentai muse hidive funi vrv crunchyroll
    netflix amazon itunes iqiyi iq bili bglobal b global disney disney+ cx ntv tbs tx mx ytv ex abc
    bs11 wowow nhk gyao! gyao rip raw raws sub subs subbed dub dubbed audio dual multi multiple
    subtitle subtitles subtitled vost vf vo lossless eng english jpn jp jap japanese chi chinese ita
    italian fre french ger german spa spanish por portuguese rus russian kor korean ara arabic
    hin hindi tha thai vie vietnamese may ind pt-br ptbr es la us uk br fr de it es-la es-419 en
    ru ja zh ko th vi id pl pol ukr tur multilang multilanguage batch complete final fin end
    finished repack proper rerip uncensored uncut censored decensored remaster unrated
    director's directors cut extended edition version limited bonus extras specials special gb
    big5 gbk chs cht sc tc jpsc jptc chs&jp cht&jp gb&jp sc&jp chs_jp srt ass ssa sup vobsub pgs
    srtx2 assx2 ass*2 softsubs hi pc psp psv ps3 ps vita ipad ipod iphone mobile avc-aac mini fixed
    reseed new hq hqr lq mq 2in1 rev rev2 ts iso cd ost scans menu menus nc nc-ver ver ver. no
    credits creditless textless preview trailer teaser cmv box vol volume disc disk cour
    part collection series season complete-series donghua original dubs ai upscale upscaled
    viutv tvb dymy drama asw bs cs bs4 nico niconico u-next unext tver dmm animax bstbs wakanim
    fansub fansubs fan by encode encoded re-encode reencode + & x and with of v0 v1 v2 v3 v4 v5
    opus hybrid vhs bilibili 5.1 7.1 2.1 2.0 jpeg png cbz wma m4a m2ts 2k 8k sample internal
    readnfo nfo 264 265
"""
_STATIONS = """
    jtbc tvn ocn kbs kbs1 kbs2 mbc sbs ena mnet mbn ebs tv조선 채널a nhk tbs wowow
"""
STATIONS = frozenset(_STATIONS.split())
"""Who broadcast it; before a name they are no group."""
STRONG = frozenset(f"{_VIDEO} {_AUDIO} {_SOURCE} {_STRONG_OTHER}".split())
WEAK = frozenset(_WEAK.split()) | STATIONS

STRONG_SHAPE = re.compile(
    r"\d{3,4}[pi](?:@?\d{2,3}(?:fps)?)?|\d{3,4} ?x ?\d{3,4}p?|(?:ai|hd|bd|dvd|web|fhd)-?\d{3,4}p?"
    r"|[xh]\.?26[45](?:-[a-z0-9]+)?|hi10p?-\d+p?|\d{3,4}p-[a-z0-9-]+"
    r"|(?:aac|flac|ac3|eac3|ddp|dts|lpcm|pcm|truehd)(?:x?\d(?:\.\d)?|-?\d\.\d)?|(?:dd|opus|mp|ma|ogg)\d(?:\.\d)?"
    r"|(?:hevc|avc|x26[45]|h26[45])[-.+]?\w{2,8}|\d{2,3}fps|\d{1,2}-?bits?|\d\.\dch|crf-?\d+"
    r"|yuv\d+p\d*(?:le)?|web-?dl[a-z]*|web-?rips?|bd-?rips?|dvd-?rips?|hdtv-?\w*|\dxaac"
    r"|vostfr\w*|\d+(?:[. ]\d+)?(?:[kmgt]i?b|[gt])"
)
_WEAK_SHAPE = re.compile(
    r"[0-9a-f]{8}|v\d|(?:ass|srt|pgs|sup|flac|aac)x\d+|\d{2}|\d\.\d|rv\d+|r\d(?:dvd|bd)?|\w+-(?:sub|dub)s?"
    r"|(?:[a-z]{3}){1,6}(?:sub|dub)s?|multi-?\w+|dual-?\w+|\w{2,4}(?:[+&/]\w{2,4})+"
)

CJK_META = re.compile(
    r"简|繁|簡|(?:^|[简簡繁体體中英日韩韓双雙语語内內嵌外挂掛封无無附软軟硬特效配带帶幕])字幕(?!组|組|社|部|制|室)|内嵌|內嵌|内封|內封|外挂|外掛|内挂|內掛|双语|雙語|招募|招人|招新|急招|检索|檢索"
    r"|国语|國語|粤语|粵語|粤日|粵日|中字|日语|日語|英语|中文|日文|日英|中英|未删减|未刪減|無修|无修|年龄|年齡|限制版"
    r"|仅限|僅限|先行|修正|搬运|搬運|播出|停播|内详|內詳|重发|重發|新番|月番|月新|国漫|國漫|番剧|日剧|合成|兼容"
    r"|附.{0,4}(?:网盘|快传|快傳)|百度|正式版|完结|完結|合集|全集|日配|中配|网盘|首发|重製|代理|官方|片源|校对|校對|时轴|時軸"
    r"|翻译|翻譯|生肉|熟肉|修复|自购|请斟酌|請斟酌|映像特典|吹替|音轨|音軌|连载|連載|动画|動畫(?!版)|(?:^|[国國日产產韩韓美番语語典])(?:动漫|動漫)$|高清|蓝光|藍光|纯享|水印"
)
WORK_END = re.compile(r"[^\W\d_]{2}(?:合成|搬[运運]|修[复復]|自购|翻[译譯])$")
CJK_GROUP = re.compile(
    r"字幕[组組社部室]|汉化|漢化|压制|壓制|发布组|發佈組|发布|製作|制作|工作室|搬运组|搬運組|[组組社]$|studio|raws?\b|subs?\b|fansub"
    r"|奶茶屋|[组組社](?:[&x×+·]|$)|部$|house\b|-?team\b|kissaten|production"
)
MONTH_TAG = re.compile(
    r"(?:20\d\d年?)?(?:\d{1,2}|[一二三四五六七八九十]{1,2})月(?:新番|番|新|泡面番|短番)|20\d\d[春夏秋冬](?:番|季)?"
)
NOISE = re.compile(
    r"国漫|國漫|国产|动漫|動漫|动画|動畫|日漫|番剧|漫画|anime|新番|连载|连载中|完结|完結|tv版|合集"
    r"|附.{1,8}|.{0,4}首发"
)
EXTRA = re.compile(
    r"(?<![^\W_])(?P<what>nc ?op|nc ?ed|(?:creditless|clean|textless) (?:opening|ending|op|ed)"
    r"|op|ed|opening|ending|(?:teaser |promo )?(?:pv|cm)(?: collection)?|(?:bd |dvd )?menus?"
    r"|trailers?|teasers?|previews?|extras?|映像特典|特典映像|预告|予告)"
    r"(?P<number>(?:[ -]{0,2}(?:#|ep(?:isode)?\.? ?|vol\.? ?)?[ -]?\d{1,3}[a-d]?)?)"
    r"(?: ?v(?P<v>\d))?(?![^\W_=])"
)
_VAGUE = "op ed opening ending menu menus preview previews trailer cm extra extras"
VAGUE_EXTRAS = frozenset(_VAGUE.split())
CREDITLESS = re.compile(r"nc ?(?:op|ed)|(?:creditless|clean|textless) .+")
"""Extras whose words are never an episode's."""
SAMPLE = re.compile(r"(?<![^\W_])samples?(?![^\W_])")
CODE = re.compile(r"[a-z]{2,9} ?\d{1,2}")
"""What only a bracket right behind a title may hold: "IV01", an interview."""
FILM = re.compile(
    r"(?<![^\W_])(?:the )?(?:movie|gekijou-?ban|film)(?![^\W_])|劇場版|剧场版|电影|電影|映画"
)
BUNDLE = re.compile(
    r"(?<![^\W_])(?:multi|dual)[ ._-]?(?:audio|subs?|subtitles?|lang\w*|dub)(?![^\W_])"
)
UNCENSORED = re.compile(r"(?<!\w)(?:uncensored|decensored)(?!\w)|無修正|无修正|无修|未删减|未刪減")

_SPLIT = re.compile(r"[ ,+&/|;]+|(?<!\d)\.|\.(?!\d)")


def is_strong(word: str) -> bool:
    """Whether a folded word is never part of a title."""
    return word in STRONG or STRONG_SHAPE.fullmatch(word) is not None


def is_known(word: str) -> bool:
    """Whether a folded word inside brackets may be something other than a title."""
    return word in WEAK or is_strong(word) or _WEAK_SHAPE.fullmatch(word) is not None


def is_cjk_meta(view: str) -> bool:
    """Whether a bracket speaks of subtitles, staff or the like, and names no group.

    In a long text such a word counts only at the beginning: titles hold them too.
    """
    match = CJK_META.search(view)
    if match is None or CJK_GROUP.search(view):
        return False
    return match.start() == 0 or len(view) <= 12


def is_meta(view: str) -> bool:
    """Whether the inside of a bracket tells of the file, not of the show.

    All words are of the trade, or one of them can be nothing else.
    """
    if is_cjk_meta(view):
        return True
    if "," in view and any(map(is_strong, re.split(r"[ ,]+", view))):
        # "Central Anime, 720p": entries count, however many words one has.
        parts = [part.strip() for part in view.split(",")]
        return sum(map(_entry, parts)) * 2 >= len(parts)
    words = [word for word in _SPLIT.split(view) if word.strip("-~.")]
    if not words:
        return True
    strong = sum(map(_strong_part, words))
    known = sum(1 for word in words if _known_part(word))
    if known == len(words):
        return True
    return strong > 0 and known * 2 >= len(words)


def _entry(part: str) -> bool:
    return not part or is_meta(part)


def _strong_part(word: str) -> bool:
    word = word.strip("-.~!")
    return is_strong(word) or (
        "-" in word and all(map(is_known, word.split("-"))) and any(map(is_strong, word.split("-")))
    )


def _known_part(word: str) -> bool:
    word = word.strip("-.~!:")
    return is_known(word) or ("-" in word and all(map(is_known, word.split("-"))))
