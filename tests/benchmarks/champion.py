"""Candidates made worse on purpose against a champion: none may be promoted; honest ones mostly should be.

A synthetic fleet wears out, lives follow each other on its machines, and a champion learns from what is known at a
moment. Ten candidates each have their target shuffled, lose features, get a feature that leaks, learn by heart, or
learn from stale data; honest ones learn from more lives, or with other seeds. Everything goes through
`pipelines.model.fit` and `pipelines.champion.judge`, as a plant's own candidates do.
"""

import sys
from pathlib import Path

# A neighbour has the name of a package: started as a script, this folder would come before the project's.
if Path(sys.path[0]).resolve() == Path(__file__).resolve().parent:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict

from features.core.telemetry import configure_logs
from pipelines.champion import Judged, Verdict, judge
from tests.benchmarks._candidates import SMALL, Case, cases
from tests.benchmarks._computer import describe_computer
from tests.benchmarks._world import MEMORY, NOW, TRAINED, contender, plant_of, world


def run(
    machines: int, seed: int, each: int, honest: int, say: Callable[[Case, Verdict], None]
) -> list[tuple[Case, Verdict]]:
    """The verdict on every candidate."""
    fleet_ = world(machines, seed)
    champion_data = fleet_.known(TRAINED)
    champion = contender(champion_data, SMALL, "1")
    usual = _judged(Case("", "", champion_data, SMALL, fleet_), machines)
    told = []
    for number, case in enumerate(cases(fleet_, machines, seed, each, honest), start=2):
        judged = usual if case.world is fleet_ else _judged(case, machines)
        verdict = judge(contender(case.data, case.parameters, str(number), champion), champion, judged)
        say(case, verdict)
        told.append((case, verdict))
    return told


def _judged(case: Case, machines: int) -> Judged:
    return Judged(
        plant=plant_of(machines),
        data=case.world.known(NOW),
        rows=case.world.rows,
        memory=MEMORY,
        remake=case.world.remake if case.can_remake else None,
    )


def figures(told: list[tuple[Case, Verdict]]) -> dict[str, float]:
    """Counts of candidates and promotions."""
    bad = [(case, verdict) for case, verdict in told if case.kind != "honest"]
    honest = [verdict for case, verdict in told if case.kind == "honest"]
    leaked = [(case, verdict) for case, verdict in told if case.kind == "leaked feature"]
    return {
        "bad_challengers": len(bad),
        "bad_challengers_promoted": sum(verdict.passed for _, verdict in bad),
        "leaks": len(leaked),
        "leaks_named": sum([one.feature for one in v.suspects] == [case.what] for case, v in leaked),
        "honest_challengers": len(honest),
        "honest_challengers_promoted": sum(verdict.passed for verdict in honest),
    }


def main() -> None:
    """Runs all candidates and prints the figures."""
    parser = argparse.ArgumentParser(prog="wearcast benchmark champion", description=__doc__)
    parser.add_argument("--machines", type=int, default=22)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--each", type=int, default=10, help="bad candidates of each of the five kinds")
    parser.add_argument("--honest", type=int, default=12)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output, nothing else")
    options = parser.parse_args()
    configure_logs()
    begin = time.perf_counter()

    def say(case: Case, verdict: Verdict) -> None:
        if not options.json:
            print(f"{'promoted' if verdict.passed else 'refused '} {case.kind}, {case.what}: {verdict.reason}")

    told = run(options.machines, options.seed, options.each, options.honest, say)
    found = figures(told) | {"seconds": round(time.perf_counter() - begin, 1)}
    if not options.json:
        print(json.dumps(found, indent=1))
        return
    document = {
        "benchmark": "champion",
        "machine": describe_computer("lightgbm", "numpy", "polars"),
        "settings": {
            **{n: getattr(options, n) for n in ("machines", "seed", "each", "honest")},
            "fit": asdict(SMALL),
        },
        "figures": found,
        "tables": {
            "candidates": [
                {
                    "kind": case.kind,
                    "what": case.what,
                    "promoted": verdict.passed,
                    "reason": verdict.reason,
                    "suspects": [one.feature for one in verdict.suspects],
                }
                for case, verdict in told
            ]
        },
    }
    print(json.dumps(document))


if __name__ == "__main__":
    main()
