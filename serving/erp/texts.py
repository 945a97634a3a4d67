"""Texts as ERPs take them: cut to a field's length, escaped where a field is HTML."""

import html
import re

__all__ = ["as_html", "as_text", "cut"]


def cut(text: str, length: int) -> str:
    r"""The text, or its beginning with an ellipsis, never cut through a character.

    Counted as ERPs count: in UTF-16 units, in which signs beyond the basic plane (emoji, some CJK) are two.

    Example:
        >>> cut("Replace bearing", 8)
        'Replace…'
        >>> cut("short", 8)
        'short'
        >>> cut("\N{GEAR}\N{WRENCH}\N{WRENCH}\N{WRENCH}", 5) == "\N{GEAR}\N{WRENCH}…"
        True
    """
    if sum(map(_units, text)) <= length:
        return text
    kept, room = 0, length - 1
    for sign in text:
        room -= _units(sign)
        if room < 0:
            break
        kept += 1
    return text[:kept].rstrip() + "…" if length > 0 else ""


def _units(sign: str) -> int:
    return 1 if ord(sign) < 0x10000 else 2


def as_html(text: str) -> str:
    r"""The text in a field that holds HTML.

    Example:
        >>> as_html("a < b\nc")
        'a &lt; b<br>c'
    """
    return html.escape(text, quote=False).replace("\n", "<br>")


def as_text(markup: str) -> str:
    r"""What a person reads in a field that holds HTML.

    Example:
        >>> as_text("<p>a &lt; b<br>c</p>")
        'a < b\nc'
    """
    broken = re.sub(r"<\s*(?:br|/p|/div|/li)\s*/?>", "\n", markup, flags=re.IGNORECASE)
    return html.unescape(re.sub(r"<[^>]*>", "", broken)).strip()
