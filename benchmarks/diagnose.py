"""How long it takes to diagnose a plan: python benchmarks/diagnose.py [RUNS]

A cluster trial of 400 families of two, once with finished scores and once with item answers: seconds,
trials a second, and how much faster two workers are than one. The trials without any effect are
counted in: `runs` trials with the effect and half as many without.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import joblib

import evalkit as ek
from evalkit.content import shipped_registry
from evalkit.evaluation import Evaluation, build_evaluation
from evalkit.files.strict_yaml import Document

RUNS = 1000
SCORES = {"scores": [{"file": "scores.csv", "measure": "bdi-ii", "shape": "wide",
                      "columns": {"baseline": "pre", "end": "post"}}]}  # fmt: skip
ITEMS = {"responses": [{"file": "answers.csv", "measure": "phq-9"}]}


def plan(measure: str, data: dict[str, Any]) -> Evaluation:
    """Return a cluster trial of families with one measure."""
    outcome = {"id": "mood", "name": "Mood lifts", "role": "survivor", "direction": "lower",
               "measure": {"id": measure}, "when": ["end"]}  # fmt: skip
    declared: dict[str, Any] = {
        "evalkit": 1, "programme": {"name": "A made programme"},
        "data": {"people": {"file": "people.csv"}} | data, "roles": ["survivor"],
        "waves": [{"id": "baseline", "due": "0 weeks"}, {"id": "end", "due": "10 weeks"}],
        "logic_model": {"outcomes": [outcome]},
        "design": {
            "type": "rct-cluster", "assigned_by": "family", "because": "a draw",
            "arm": {"column": "arm", "treated": "programme", "comparison": "usual"},
        },
        "analysis": {"primary": {"outcome": "mood", "wave": "end"}},
    }  # fmt: skip

    def read(name: str, sheet: str | None) -> Any:
        raise AssertionError(name)

    return build_evaluation(Document("plan.yaml", declared), "made", shipped_registry(), read)


def seconds(evaluation: Evaluation, runs: int, workers: int, null_runs: int) -> float:
    """Return the seconds that a diagnosis takes."""
    start = time.perf_counter()
    ek.diagnose(
        evaluation, runs=runs, null_runs=null_runs, seed=1, n=400, family_size=2, workers=workers
    )
    return time.perf_counter() - start


def main() -> None:
    """Print a line for each kind of table and number of workers."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    joblib.Parallel(n_jobs=2)(joblib.delayed(abs)(k) for k in range(4))  # start the workers
    for name, measure, data in (("scores", "bdi-ii", SCORES), ("items", "phq-9", ITEMS)):
        evaluation = plan(measure, data)
        taken = {}
        for workers in (1, 2):
            few = max(10, runs // 5) if workers == 1 else runs
            trials = few + few // 2
            found = seconds(evaluation, few, workers, few // 2)
            taken[workers] = found / trials
            print(f"{name}, workers {workers}: {few} runs and {few // 2} without effect in "
                  f"{found:.1f} s, {trials / found:.1f} trials a second")  # fmt: skip
        print(f"{name}: two workers are {taken[1] / taken[2]:.2f} times as fast as one")


if __name__ == "__main__":
    main()
