"""Numbers, intervals and tables in Markdown."""

from collections.abc import Iterable, Mapping, Sequence

__all__ = ["bold", "interval", "markdown_table", "number"]


def interval(row: Mapping[str, float], name: str) -> str:
    """A figure of a row, with its 95 % interval where there is one (NaN: there is none)."""
    low, high = row[f"{name}_low95"], row[f"{name}_high95"]
    value = number(row[name])
    return value if low != low else f"{value} ({number(low, 3)} to {number(high, 3)})"


def number(value: float, digits: int = 4) -> str:
    """Few digits, and thousands as people write them."""
    return f"{value:,.0f}" if 1000.0 <= abs(value) < 1e7 else f"{value:.{digits}g}"


def bold(text: str, is_bold: bool) -> str:
    """The text, bold or not."""
    return f"**{text}**" if is_bold else text


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table."""
    return [f"| {' | '.join(head)} |", "|" + "---|" * len(head), *(f"| {' | '.join(row)} |" for row in rows)]
