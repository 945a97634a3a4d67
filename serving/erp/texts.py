"""Texts as ERPs take them: cut to a field's length, escaped where a field is HTML."""

import html
import re

__all__ = ["as_html", "as_text", "cut"]


def cut(text: str, length: int) -> str:
    """The text, or its beginning with an ellipsis; counted in characters, never through one.

    Example:
        >>> cut("Replace bearing", 8)
        'Replace…'
        >>> cut("short", 8)
        'short'
    """
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


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
