"""The names that a text uses: whom it greets, who signs it, what it quotes, and capitals in a row. Pure.

A name is read where honest text rarely looks alike: after a greeting, under a closing, in quotes that are written
as a title or stand beside a word such as `perk`, and as two or more capitalised words within a sentence. Not read:
single capitalised words, words in capitals altogether, headings in which each word has one, and capitals of German,
where each noun has one.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from .claims import Claim
from .text import plain_words

_GREETING = re.compile(
    r"(?:^|(?<=[.!?]\s))\s*(?:Dear|Hello|Hi|Hey|Greetings|Good (?:morning|afternoon|evening|day)|Welcome back|Welcome"
    r"|Beste|Geachte|Hallo|Hoi|Dag|Lieber?|Guten (?:Tag|Morgen)|Bonjour|Ch(?:er|ère)|Hola|Estimad[oa]|Ciao)"
    r"(?P<comma>,)?[ \t]+",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"^\s*(?:(?:kind|best|warm|warmest) )?(?:regards|wishes|love|cheers|yours|sincerely|yours sincerely|thanks"
    r"|groet|groeten|met vriendelijke groet|viele grüße|mit freundlichen grüßen|cordialement|saludos),?\s*$",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[\"“„«]([^\"“”„«»\n]{2,60})[\"”“»]|\u2018([^\u2018\u2019\n]{2,60})\u2019")
_NAMING = (
    r"(?:perk|reward|product|record|album|song|voucher|shop|store|offer|gift"
    r"|programme|program|club|tier|level|card)"
)
_NAMED_BEFORE = re.compile(rf"\b{_NAMING}(?:\s(?:called|named))?,?\s$", re.IGNORECASE)
_NAMED_AFTER = re.compile(rf"\s{_NAMING}\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_](?:[^\W_]|['\u2019&-](?=[^\W_]))*")
_BREAK = re.compile(r"[.!?:;\n\"“”„«»()•*–—]|^\s*-\s")
_CONNECTORS = frozenset({"of", "de", "van", "der", "den", "du", "la", "del"})
_TITLES = frozenset({"mr", "mrs", "ms", "miss", "dr", "herr", "frau", "mevrouw", "monsieur", "madame"})
_NOBODY_WORDS = """
customer customers friend friends member members all everyone everybody there again sir madam team guest guests
reader readers fan fans lover lovers you neighbour neighbor folks collector collectors shopper shoppers dear
klant kunde kundin kunden client cliente amigo amis
"""
_NOBODY = frozenset(_NOBODY_WORDS.split())
"""Words after a greeting that name nobody."""
_COMMON_WORDS = """
i i'm i'd i've i'll we you your our us they their it its it's he she his her this that these those the a an and or
but if so as at by for from in into of on to with when while who what how why where there here just since thank
thanks welcome yes no not please visit see come enjoy remember have has had do did is are was were be will would can
could may monday tuesday wednesday thursday friday saturday sunday january february march april june july august
september october november december spring summer autumn winter christmas easter new year year's years black happy
birthday merry eve day good morning afternoon evening night best warm kind regards wishes love english dutch german
french spanish italian european american british terms conditions privacy policy ok p.s ps pm am
"""
_COMMON = frozenset(_COMMON_WORDS.split())
"""Words that may have a capital without being a part of a name."""
_GERMAN = re.compile(
    r"(?<!\w)(?:und|der|die|das|den|dem|Sie|Ihre?[mnrs]?|[Ww]ir|nicht|ist"
    r"|für|mit|bei|auf|von|eine?|seit|zu)(?!\w)"
)
_LEAST_GERMAN = 2
_LONG_WORD, _LEAST_HEADING, _TITLE_SHARE = 4, 5, 0.75


def read_names(piece: str) -> Iterator[Claim]:
    """Return the names in a piece of a folded text."""
    is_german = len(_GERMAN.findall(piece)) >= _LEAST_GERMAN
    for line in piece.split("\n"):
        yield from _greeted(line)
        yield from _quoted(line)
        if not is_german and not _is_heading(line):
            yield from _in_a_row(line)


def read_signers(text: str) -> Iterator[Claim]:
    """Return the name that stands alone under the closing line of a letter."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    for line, below in pairwise(lines):
        words = _WORD.findall(below)
        alone = " ".join(words) == below.rstrip(".,!") and 0 < len(words) <= 3  # noqa: PLR2004  # a name, no sentence
        if alone and _CLOSING.match(line) and all(word[0].isupper() for word in words):
            yield from _named(words, below)


def _greeted(line: str) -> Iterator[Claim]:
    for greeting in _GREETING.finditer(line):
        words: list[str] = []
        end = greeting.end()
        while (word := _WORD.match(line, end)) and (
            word[0][0].isupper() or (words and word[0] in _CONNECTORS)
        ):
            words.append(word[0])
            end = word.end()
            if line[end : end + 1] == "." and word[0].casefold() in _TITLES:
                end += 1
            if line[end : end + 1] != " ":
                break
            end += 1
        words = [word for word in words if word.casefold() not in _TITLES]
        after_comma = greeting["comma"] and line[end : end + 1] not in {"", ",", "!", ".", "?"}
        if (
            words
            and not after_comma
            and words[0].casefold() not in _COMMON
            and words[-1].casefold() not in _NOBODY
        ):
            yield from _named(words, line)


def _quoted(line: str) -> Iterator[Claim]:
    for quote in _QUOTED.finditer(line):
        text = (quote[1] or quote[2]).strip()
        words = _WORD.findall(text)
        before, after = line[max(0, quote.start() - 40) : quote.start()], line[quote.end() : quote.end() + 20]
        if not words:
            continue
        is_named = _NAMED_BEFORE.search(before) or _NAMED_AFTER.match(after)
        is_title = len(words) > 1 and not text.endswith(("!", "?", ".", ",")) and _is_title(words)
        if is_named or (is_title and not _is_common(words)):
            yield _claim(text)


def _in_a_row(line: str) -> Iterator[Claim]:
    row: list[str] = []
    end = 0
    for word in _WORD.finditer(line):
        gap = line[end : word.start()]
        starts = end == 0 or bool(_BREAK.search(gap))
        joins = gap.strip(" \t") == "" and not starts and bool(row)
        if not joins:
            yield from _named_row(row, line)
            row = []
        is_capital = word[0][0].isupper() and not (len(word[0]) > 1 and word[0].isupper())
        if is_capital and not starts:
            row.append(word[0])
        elif not (row and word[0] in _CONNECTORS):
            yield from _named_row(row, line)
            row = []
        else:
            row.append(word[0])
        end = word.end()
    yield from _named_row(row, line)


def _named_row(row: Sequence[str], line: str) -> Iterator[Claim]:
    if len(row) < 2:  # noqa: PLR2004  # one capitalised word alone is read as no name
        return
    words = [*row]
    while words and (words[0].casefold() in _COMMON or words[0] in _CONNECTORS):
        words.pop(0)
    while words and (words[-1].casefold() in _COMMON or words[-1] in _CONNECTORS):
        words.pop()
    is_titled = any(word.casefold() in _TITLES for word in words)
    words = [word for word in words if word.casefold() not in _TITLES]
    if is_titled or len([word for word in words if word not in _CONNECTORS]) > 1:
        yield from _named(words, line)


def _named(words: Sequence[str], line: str) -> Iterator[Claim]:
    kept = [*words]
    while kept and kept[-1] in _CONNECTORS:
        kept.pop()
    if not kept or kept[-1].casefold() in _NOBODY | {"team"}:
        return
    if kept[-1].endswith(("'s", "\u2019s")) and line:
        kept[-1] = kept[-1][:-2]
    yield _claim(" ".join(kept))


def _claim(text: str) -> Claim:
    return Claim(text, "name", frozenset({("name", plain_words(text))}))


def _is_heading(line: str) -> bool:
    words = _WORD.findall(line)
    return len(words) >= _LEAST_HEADING and not line.rstrip().endswith((".", ",")) and _is_title(words)


def _is_title(words: Sequence[str]) -> bool:
    long = [word for word in words if len(word) >= _LONG_WORD]
    capital = [word for word in long if word[0].isupper()]
    return words[0][0].isupper() and len(capital) >= _TITLE_SHARE * len(long)


def _is_common(words: Sequence[str]) -> bool:
    return all(word.casefold() in _COMMON | _NOBODY for word in words)
