"""Who is measured and who is not; the needs at the start."""

from __future__ import annotations

import datetime

import pandas as pd

from evalkit.coverage import Coverage
from evalkit.study import Study
from tests.conftest import arms, declare, split, study_of


def by_key(study: Study) -> dict[tuple[str, str, str], Coverage]:
    return {(c.role, c.wave, c.informant): c for c in study.coverage()}


def test_counts_by_hand() -> None:
    frame = arms(12, day="2024-01-01", agreed="yes").astype(object)
    frame.loc[0, "agreed"] = "no"
    frame.loc[1, "arm"] = ""
    frame.loc[2, "post"] = ""
    frame.loc[3, ["post", "day"]] = ["", "2024-12-01"]
    frame.loc[4, "day"] = "2024-12-01"
    made = declare(
        data__flow={"allocated_on": "day", "consent": "agreed"},
        data__as_of=datetime.date(2024, 12, 31),
    )
    end = by_key(study_of(made, *split(frame)))["survivor", "end", "any"]
    assert (end.n_people, end.n_measured, end.n_not_measured, end.n_not_due, end.n_not_asked) == (
        10, 8, 1, 1, 0
    )  # fmt: skip
    assert (end.families_people, end.families_measured) == (10, 8)
    assert end.own_voice


def test_a_role_that_nobody_asks_is_not_asked() -> None:
    frame = arms(12, role=["survivor"] * 8 + ["child"] * 4)
    study = study_of(declare(roles=["survivor", "child"]), *split(frame))
    rows = by_key(study)
    for wave in ("baseline", "end"):
        child = rows["child", wave, "any"]
        assert (child.n_people, child.n_not_asked, child.own_voice) == (4, 4, False)


def test_children_are_heard_by_themselves_or_not(studies: dict[str, Study]) -> None:
    rows = by_key(studies["growing-together"])
    assert rows["child", "end", "self"].own_voice
    assert not rows["child", "end", "any"].own_voice
    assert not rows["child", "end", "adult-survivor"].own_voice
    both = rows["child", "end", "any"].n_measured
    single = [rows["child", "end", i].n_measured for i in ("self", "adult-survivor")]
    assert max(single) <= both <= sum(single)


def test_the_profile_counts_those_without_a_score(example: Study) -> None:
    people = example.people
    taking_part = people[
        (people["eligible"] != 0) & (people["consent"] != 0) & people["treated"].notna()
    ]
    rows = pd.DataFrame([row.to_dict() for row in example.needs()])
    assert (rows["n_scored"] + rows["n_missing"] == rows["n_people"]).all()
    assert (rows["families"] <= rows["n_scored"]).all()
    for (_, role, _, _, _), group in rows.groupby(["by", "role", "measure", "scale", "informant"]):
        assert group["n_people"].sum() == (taking_part["role"] == role).sum()


def test_the_profile_by_hand() -> None:
    frame = arms(8).astype(object)
    frame.loc[0, "tier"] = ""
    frame.loc[1, "pre"] = ""
    made = declare(needs={"by": ["tier"]})
    rows = {row.group: row for row in study_of(made, *split(frame)).needs()}
    assert rows["not recorded"].n_people == 1
    first = rows["1"]
    assert (first.n_people, first.n_scored, first.mean, first.sd) == (1, 0, None, None)
    mine = frame[frame["tier"] == 2]["pre"].astype(float)
    assert rows["2"].mean == mine.mean()
