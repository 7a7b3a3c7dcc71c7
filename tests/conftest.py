"""Shared fixtures: the two examples loaded once, and small made studies."""

from __future__ import annotations

import os

# Threads that wait for a busy processor take many times as long; read where numpy is loaded first.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from copy import deepcopy
from pathlib import Path
from typing import Any

import hypothesis
import pandas as pd
import pytest

import evalkit as ek
from evalkit.content import shipped_registry
from evalkit.evaluation import Evaluation, build_evaluation
from evalkit.files.strict_yaml import Document
from evalkit.study import Study

# The same examples every time, so that a failure is there for everybody; HYPOTHESIS_PROFILE=explore
# draws new ones.
hypothesis.settings.register_profile("steady", derandomize=True, max_examples=50)
hypothesis.settings.register_profile("explore")
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ("beating-the-blues", "growing-together")

TRIAL: dict[str, Any] = {
    "evalkit": 1,
    "programme": {"name": "A made programme"},
    "data": {
        "people": {"file": "people.csv"},
        "scores": [
            {"file": "scores.csv", "measure": "bdi-ii", "scale": "total", "shape": "wide",
             "columns": {"baseline": "pre", "end": "post"}},
        ],
    },
    "roles": ["survivor"],
    "waves": [{"id": "baseline", "due": "0 weeks"}, {"id": "end", "due": "10 weeks"}],
    "logic_model": {
        "outcomes": [
            {"id": "mood", "name": "Mood lifts", "role": "survivor", "measure": {"id": "bdi-ii"},
             "direction": "lower", "when": ["end"]},
        ],
    },
    "design": {
        "type": "rct-individual",
        "arm": {"column": "arm", "treated": "programme", "comparison": "usual"},
        "because": "a draw from sealed envelopes",
    },
    "analysis": {"primary": {"outcome": "mood", "wave": "end"}},
    "disclosure": {"profile": "open", "because": "made data"},
}  # fmt: skip


def declare(base: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """Return a declaration with parts replaced; `design__type` reaches one level down."""
    made = deepcopy(TRIAL if base is None else base)
    for path, value in changes.items():
        *parents, last = path.split("__")
        part: Any = made
        for parent in parents:
            part = part[int(parent) if parent.isdigit() else parent]
        if value is None:
            part.pop(last, None)
        else:
            part[int(last) if last.isdigit() else last] = value
    return made


def matched(**changes: Any) -> dict[str, Any]:
    """Return a matched comparison by family, with the sets in a column."""
    base = declare(
        design__type="matched-comparison",
        design__assigned_by="family",
        design__match={"unit": "family", "covariates": ["tier"], "sets": "pair"},
    )
    return declare(base, **changes)


def before_after(**changes: Any) -> dict[str, Any]:
    """Return a design of one group, before and after."""
    return declare(declare(design={"type": "pre-post"}), **changes)


def evaluate(data: dict[str, Any]) -> Evaluation:
    """Build an evaluation from a mapping; its tables must be given to `study`."""

    def read(name: str, sheet: str | None) -> Any:
        raise AssertionError(f"{name} was not given")

    return build_evaluation(Document("evaluation.yaml", data), "made", shipped_registry(), read)


def study_of(data: dict[str, Any], people: Any, scores: Any, **more: Any) -> Study:
    """Build a study from frames."""
    tables = {"people.csv": people, "scores.csv": scores}
    return evaluate(data).study(tables=tables | {f"{k}.csv": v for k, v in more.items()})


def arms(n: int = 40, *, effect: float = -4.0, gap: float = 0.0, **columns: Any) -> pd.DataFrame:
    """Return n people with arm, family, tier, pair, pre and post; arms alternate.

    Scores vary by a fixed pattern, so that nothing is drawn at random. `gap` shifts the first
    scores of the programme arm by so many points.
    """
    rows = []
    for i in range(n):
        in_programme = i % 2 == 0
        base = 20 + (i // 2 * 7) % 11
        post = base + (i // 2 * 5) % 7 - 3 + (effect if in_programme else 0)
        rows.append({
            "person": f"p{i:03d}", "family": f"f{i:03d}",
            "arm": "programme" if in_programme else "usual",
            "tier": 1 + (i // 2) % 4, "pair": f"s{i // 2}",
            "pre": base + (gap if in_programme else 0), "post": post,
        })  # fmt: skip
    return pd.DataFrame(rows).assign(**columns)


def split(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the people table and the wide table of scores of one frame."""
    return frame.drop(columns=["pre", "post"]), frame[["person", "pre", "post"]]


CASES = pytest.StashKey[tuple[set[str], set[str]]]()
"""Of the cases held against R: those that the processes of a shared run ran, and those they should."""


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Gather the cases that one process of a shared run held against R."""
    ran, wanted = node.config.stash.setdefault(CASES, (set(), set()))
    output = getattr(node, "workeroutput", {})
    ran.update(output.get("cases_ran", ()))
    wanted.update(output.get("cases_wanted", ()))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a shared run in which a mapped case ran in no process."""
    ran, wanted = session.config.stash.get(CASES, (set(), set()))
    if wanted - ran:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say of a shared run which cases were held against R."""
    ran, wanted = config.stash.get(CASES, (set(), set()))
    if wanted:
        missing = ", ".join(sorted(wanted - ran)) or "none"
        text = f"{len(wanted & ran)} run of {len(wanted)} mapped, not run: {missing}"
        terminalreporter.write_line(f"reference cases in all processes: {text}")


@pytest.fixture(scope="session")
def studies() -> dict[str, Study]:
    """The study of every example."""
    return {
        name: ek.load(ROOT / "examples" / name / "evaluation.yaml").study() for name in EXAMPLES
    }


@pytest.fixture(scope="session")
def analyses(studies: dict[str, Study]) -> dict[str, Any]:
    """The analysis of every example."""
    return {name: study.analyse() for name, study in studies.items()}


@pytest.fixture(params=EXAMPLES)
def example(request: pytest.FixtureRequest, studies: dict[str, Study]) -> Study:
    """The study of each example in turn."""
    return studies[request.param]


@pytest.fixture(params=EXAMPLES)
def analysis(request: pytest.FixtureRequest, analyses: dict[str, Any]) -> Any:
    """The analysis of each example in turn."""
    return analyses[request.param]
