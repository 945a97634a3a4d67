import datetime as dt
from io import StringIO

from rich.console import Console

from features.core.statements import Refusal, RefusalReason
from pipelines.commands.rounds import statements_table


def test_a_narrow_terminal_cuts_no_name_and_no_reason() -> None:
    now = dt.datetime(2026, 2, 20, tzinfo=dt.UTC)
    name, detail = "P10123456/drive-end-bearing", "newest reading 3 days old"
    screen = StringIO()
    Console(file=screen, width=80).print(statements_table([Refusal(name, now, RefusalReason.STALE_DATA, detail)]))
    rows = [line.split("│") for line in screen.getvalue().splitlines() if line.startswith("│")]
    assert "".join(row[1].strip() for row in rows) == name
    assert " ".join(row[8].strip() for row in rows).split() == f"stale_data: {detail}".split()
