"""Whatever a small study looks like, every person of a role is counted once and only once."""

from __future__ import annotations

import datetime
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.flow import STEPS
from tests.conftest import before_after, declare, matched, split, study_of

DAYS = ("", "2024-01-01", "31/01/2024", "2024-06-01", "2024-12-01")
PERSON = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["survivor", "survivor", "survivor", "child"]),
        "family": st.integers(0, 9).map(lambda n: f"f{n}"),
        "arm": st.sampled_from(["programme", "usual", "programme", "usual", ""]),
        "tier": st.sampled_from(["1", "2", "3", "4", ""]),
        "pair": st.sampled_from(["s0", "s1", "s2", "s3", ""]),
        "ok": st.sampled_from(["yes", "yes", "yes", "no", ""]),
        "agreed": st.sampled_from(["yes", "yes", "yes", "no", ""]),
        "day": st.sampled_from(DAYS),
        "left": st.sampled_from(["", "", "", "2024-02-01", "2024-11-01"]),
        "why": st.sampled_from(["", "", "moved away", "no longer wished"]),
        "pre": st.sampled_from(["", "10", "14", "21", "30"]),
        "post": st.sampled_from(["", "9", "12", "22", "31", "99"]),
    }
)
FLOW = {
    "eligible": "ok", "consent": "agreed", "allocated_on": "day", "left_on": "left",
    "left_reason": "why",
}  # fmt: skip
SHARED = {
    "roles": ["survivor", "child"],
    "data__flow": FLOW,
    "programme": {"name": "P", "start": datetime.date(2024, 1, 1)},
    "waves": [
        {"id": "baseline", "due": "0 weeks"},
        {"id": "end", "due": "1 month", "window": "2 weeks"},
    ],
    "data__scores__0__missing_codes": {"99": "refused"},
}
DESIGNS = {
    "trial": declare(**SHARED, analysis__covariates=["baseline", "tier"]),
    "strict trial": declare(**SHARED, analysis__missing_baseline="exclude"),
    "matched": declare(
        matched(**SHARED), design__assigned_by="person", analysis__covariates=["baseline", "tier"]
    ),
    "before and after": before_after(**SHARED),
}


STUDIES = given(
    rows=st.lists(PERSON, min_size=4, max_size=30),
    design=st.sampled_from(sorted(DESIGNS)),
    as_of=st.sampled_from([None, "2024-03-14", "2024-07-20", "2025-12-31"]),
    order=st.randoms(use_true_random=False),
)


@settings(deadline=None, max_examples=25)
@STUDIES
def test_everybody_is_counted_once(
    rows: list[dict[str, str]], design: str, as_of: str | None, order: Any
) -> None:
    counted_once(rows, design, as_of, order)


@pytest.mark.slow
@settings(deadline=None, max_examples=200)
@STUDIES
def test_everybody_is_counted_once_in_many_studies(
    rows: list[dict[str, str]], design: str, as_of: str | None, order: Any
) -> None:
    counted_once(rows, design, as_of, order)


def counted_once(rows: list[dict[str, str]], design: str, as_of: str | None, order: Any) -> None:
    """Check that each person is analysed, or left out for one reason, in any order of rows."""
    frame = pd.DataFrame(rows)
    frame["pair"] = frame["family"].map(frame.groupby("family")["pair"].first())
    frame.insert(0, "person", [f"p{n}" for n in range(len(frame))])
    made = DESIGNS[design]
    if as_of:
        made = declare(made, data__as_of=datetime.date.fromisoformat(as_of))
    study = study_of(made, *split(frame))
    analysis = study.analyse(sensitivity=False)
    trail = study.trail("mood", "end", "self")
    role = frame[frame["role"] == "survivor"]
    assert sorted(trail["person"]) == sorted(role["person"])
    (estimate,) = analysis.estimates
    used = (estimate.n_treatment or 0) + (estimate.n_comparison or 0)
    assert used + estimate.n_dropped == len(role)
    assert sum(n for _, n in estimate.dropped_why) == estimate.n_dropped
    assert used == (trail["step"] == "analysed").sum() == trail["reason"].isna().sum()
    assert set(trail["step"]) <= set(STEPS)
    steps = study.flow().steps
    assert sum(s.n for s in steps if s.step == "came-in" and not s.reason) == len(role)
    assert sum(s.n for s in steps if s.step == "analysed" and not s.reason) == used
    assert sum(s.n for s in steps if s.reason) == estimate.n_dropped
    for loss in study.attrition():
        due = trail["step"].isin(["due", "returned", "analysed"])
        assert loss.randomised_treatment == (due & (trail["treated"] == 1)).sum()
        assert loss.randomised_comparison == (due & (trail["treated"] == 0)).sum()
        assert loss.observed_treatment == estimate.n_treatment
        assert loss.observed_comparison == estimate.n_comparison
    for row in study.coverage():
        parts = row.n_measured + row.n_not_measured + row.n_not_due + row.n_not_asked
        assert parts == row.n_people
    late = trail["reason"] == "not yet due"
    assert trail.loc[late, "score"].isna().all()
    assert not late.any() or as_of
    level, finding = analysis.levels[0], analysis.findings[0]
    assert 0 <= level.level <= level.ceiling
    assert not finding.attributes or level.level >= 3
    turn = list(range(len(frame)))
    order.shuffle(turn)
    again = study_of(made, *split(frame.iloc[turn]))
    assert again.flow().steps == steps
    assert again.attrition() == study.attrition()
    assert again.coverage() == study.coverage()
