"""What a template or a program left in a text: holes that nothing filled, notes to oneself, filler. Pure."""

import re
from collections.abc import Iterator

_OF_WHAT = (
    "your|the|insert|customer|member|client|first|last|full|recipient"
    "|company|shop|store|brand|product|offer|discount"
)
_NAMED = "name|firstname|lastname|surname|recipient|amount|placeholder|url"
_BRACKETED = (
    f"{_NAMED}|customer|member|date|number|code|link|email|address|city|phone|here|product|shop|store|company"
)
# Some of these words are HTML elements as well: `<link>`, `<address>`, `<code>` are none of ours.
_LEFT = re.compile(
    rf"""
      \$\{{[^{{}}\n]{{0,80}}\}}              # ${{name}}
    | \{{\{{[^{{}}\n]{{0,80}}\}}\}}          # {{{{name}}}}
    | \{{%[^%\n]{{0,80}}%\}}                 # {{% if %}}
    | \{{[A-Za-z_][\w.\ -]{{0,60}}\}}        # {{name}}
    | \[\[[^\[\]\n]{{1,60}}\]\]              # [[name]]
    | \*\|[A-Z_:]{{2,40}}\|\*                # *|FNAME|*
    | \[object\ Object\]
    | \[(?i:(?:(?:{_OF_WHAT})[\ _]){{0,3}}(?:{_BRACKETED})(?:\ here)?)\]
    | <(?i:(?:(?:{_OF_WHAT})[\ _]){{0,3}}(?:{_NAMED}))>
    | (?<![\w%])%(?:\(\w{{1,40}}\))?[sd](?!\w)
    | (?<!\w)(?:TODO|TBD|FIXME|XXX+)(?!\w)
    | (?i:lorem\ ipsum)
    | (?<=(?i:dear|ello)\ )(?:null|None|undefined|NaN|nan)(?!\w)
    | (?<=(?i:hi)\ )(?:null|None|undefined|NaN|nan)(?!\w)
    """,
    re.VERBOSE,
)


def read_leftovers(piece: str) -> Iterator[str]:
    """Return each placeholder in a piece of a folded text, as it stands there."""
    for match in _LEFT.finditer(piece):
        yield match[0]
