"""`bin/bench`: every benchmark, or those named (`bin/bench screening`). Printed, and kept in docs/bench.md."""

from __future__ import annotations

import sys

import django


def main(names: list[str]) -> int:
    django.setup()
    from tests.benchmarks import rescreening, screening, speed, throughput
    from tests.benchmarks.report import Report

    known = {"screening": screening.run, "speed": speed.run, "rescreening": rescreening.run,
             "throughput": throughput.run}  # fmt: skip
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"There is no benchmark called {', '.join(unknown)}. There are: {', '.join(known)}.", file=sys.stderr)
        return 2
    report = Report()
    for name in names or known:
        known[name](report)
    report.write()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
