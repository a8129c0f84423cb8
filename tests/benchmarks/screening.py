"""One full screening with all rules: CPU time of the process, without the database."""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable

from protocols.findings import Stage
from protocols.screening import screen
from tests.benchmarks import people
from tests.benchmarks.report import Report
from tests.protocols.healthy import catalogue, example_plan

ROUNDS, REPEATS = 15, 100


def milliseconds(work: Callable[[], object]) -> tuple[float, float]:
    """Median and slowest round, per call, in CPU time: others on the machine do not count, their cache misses do."""
    work()
    gc.collect()
    rounds = []
    for _round in range(ROUNDS):
        begun = time.process_time()
        for _repeat in range(REPEATS):
            work()
        rounds.append((time.process_time() - begun) * 1000 / REPEATS)
    return statistics.median(rounds), max(rounds)


def run(report: Report) -> None:
    rules, dice = catalogue(), random.Random(7)
    plan = example_plan("ind-hydration", "ck-face-hydra")
    cases = [
        ("a healthy person", people.healthy(rules)),
        ("a person as they come (3 % of the answers fire)", people.person(rules, dice)),
        ("a person with many findings (15 %)", people.person(rules, dice, share=0.15)),
        ("a person with nearly everything (60 %)", people.person(rules, dice, share=0.6)),
    ]
    report.say("screening", "rules, medicine classes, questions",
               f"{len(rules.rules)}, {len(rules.medicine_classes)}, {len(rules.questions)}")  # fmt: skip
    for name, facts in cases:
        for words, planned in (("with a plan", plan), ("without a plan", None)):

            def work(facts: object = facts, planned: object = planned) -> object:
                return screen(facts=facts, plan=planned, on=people.DAY, catalogue=rules, stage=Stage.START)  # type: ignore[arg-type]

            found = len(screen(facts=facts, plan=planned, on=people.DAY, catalogue=rules, stage=Stage.START).findings)
            middle, worst = milliseconds(work)
            report.say("screening", f"{name}, {words}, {found} findings",
                       f"{middle:.3f} ms of CPU (slowest round {worst:.3f})")  # fmt: skip
