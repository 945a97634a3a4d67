"""What a file of work orders brought, as people read it."""

from dataclasses import asdict

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipelines.commands.console import print_facts
from pipelines.imports.work_orders import WorkOrdersReport

__all__ = ["print_orders"]

_COUNTS = ("file", "orders", "routine", "mapped", "needs_review", "new", "known", "quarantined")


def print_orders(report: WorkOrdersReport, as_json: bool) -> None:
    """The report as one line of JSON, or as tables: counts, failure modes, orders that need a person by code."""
    facts = asdict(report)
    if as_json:
        print_facts(facts, as_json, "Work orders")
        return
    print_facts({name: facts[name] for name in _COUNTS}, as_json, "Work orders")
    print_facts(report.routine_by, as_json, "Routine, tells of no end of life")
    print_facts(report.failure_modes, as_json, "Failure modes")
    if not report.unmapped:
        return
    table = Table("Codes", "Orders", "For example", title="For a person: no rule fits")
    for codes, orders in sorted(report.unmapped.items(), key=lambda item: (-item[1], item[0])):
        table.add_row(escape(codes), str(orders), ", ".join(report.examples[codes]))
    Console().print(table)
