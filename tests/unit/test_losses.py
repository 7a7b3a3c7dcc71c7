"""Who was lost: rates and reasons, who they were, what their answers looked like, what may be shown."""

from __future__ import annotations

import datetime
import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import evalkit as ek
from evalkit.losses import answers, who
from evalkit.losses.rates import attrition_of_people
from tests.conftest import arms, declare, evaluate, split, study_of
from tests.unit.test_sensitivity import over_time, people, plan

CODES = {"-7": "unsafe to contact", "-8": "not contactable by court order", "-9": "refused"}


def coded(codes: dict[int, str], *, n: int = 60, **missing: Any) -> ek.Study:
    """Return a trial whose last scores hold codes at given rows; even rows are the programme's."""
    frame, scores = split(arms(n))
    last = scores["post"].astype(int).astype(str)
    for row, code in codes.items():
        last[row] = code
    made = declare(analysis__missing=missing)
    made["data"]["scores"][0]["missing_codes"] = CODES
    return study_of(made, frame.astype(str), scores.assign(post=last))


def steps(study: ek.Study, arm: str = "programme") -> dict[str, int]:
    """Return how many of an arm stopped for each reason."""
    flow = study.flow().of("mood", "end", "self")
    return {s.reason: s.n for s in flow if s.arm == arm and s.reason}


# Kinds of not being there, kept apart


def test_refused_unsafe_blank_and_not_to_be_asked_are_kept_apart() -> None:
    codes = {0: "-9", 2: "-9", 4: "-7", 6: "-8", 8: "-8", 10: "-8", 12: ""}
    study = coded(codes, not_due=["not contactable by court order"])
    assert steps(study) == {
        "not to be asked: not contactable by court order": 3, "no answer returned": 1,
        "refused": 2, "unsafe to contact": 1,
    }  # fmt: skip
    (loss, usual) = (row for row in study.losses() if row.site is None)
    assert (loss.due, loss.analysed, loss.lost, loss.set_aside) == (27, 23, 4, 3)
    assert dict(loss.reasons) == {"no answer returned": 1, "refused": 2, "unsafe to contact": 1}
    assert loss.share == pytest.approx(4 / 27) and loss.families == 4
    assert (usual.lost, usual.set_aside, usual.reasons) == (0, 0, ())
    without = coded(codes)
    assert steps(without)["not contactable by court order"] == 3
    assert without.losses()[0].lost == 7


def test_declared_reasons_may_not_hide_a_loss() -> None:
    aside = dict.fromkeys(range(0, 16, 2), "-8")
    study = coded(aside, not_due=["not contactable by court order"])
    (found,) = study.attrition()
    assert found.cautious == "inside" and found.overall == 0
    (strict,) = attrition_of_people(study, set_aside_lost=True)
    assert strict.cautious == "outside" and strict.loss_treatment == pytest.approx(8 / 30)
    check = next(c for c in study.analyse().checks if c.check == "attrition")
    assert check.passed is False and "counted as lost" in check.sentence
    (prospect,) = study.prospects()
    assert prospect.verdict == "outside" and "counted as lost" in prospect.sentence
    few = coded({0: "-8", 1: "-8"}, not_due=["not contactable by court order"])
    assert next(c for c in few.analyse().checks if c.check == "attrition").passed


def test_a_measure_introduced_mid_way_is_not_lost_before() -> None:
    frame, scores = split(arms(60))
    early = np.arange(60) < 20
    frame["came"] = np.where(early, "2024-01-10", "2024-06-10")
    scores["post"] = scores["post"].where(~early | (np.arange(60) == 4))
    made = declare(
        programme__start=datetime.date(2024, 1, 1), data__as_of=datetime.date(2024, 12, 31),
        data__flow={"allocated_on": "came"},
    )  # fmt: skip
    assert study_of(made, frame, scores).losses()[0].lost == 9
    made["data"]["scores"][0]["introduced"] = datetime.date(2024, 5, 1)
    study = study_of(made, frame, scores)
    assert steps(study) == {"the measure was not in use yet": 9}
    assert study.losses()[0].due == 21


def test_not_due_and_too_young_are_not_lost() -> None:
    frame, scores = split(arms(60))
    frame["came"] = np.where(np.arange(60) < 10, "2024-12-20", "2024-01-10")
    frame["age"] = np.where(np.arange(60) % 20 == 18, 9, 14)
    scores.loc[frame["came"] == "2024-12-20", "post"] = np.nan
    made = declare(
        programme__start=datetime.date(2024, 1, 1), data__as_of=datetime.date(2024, 12, 31),
        data__flow={"allocated_on": "came"},
    )  # fmt: skip
    made["data"]["scores"][0] |= {"measure": "sdq-self-11-17"}
    made["logic_model"]["outcomes"][0]["measure"] = {"id": "sdq-self-11-17", "scale": "total"}
    scores[["pre", "post"]] = scores[["pre", "post"]].clip(upper=40)
    study = study_of(made, frame, scores)
    why = steps(study)
    assert why["not yet due"] == 5
    assert any("outside the measure's ages" in reason for reason in why)
    assert study.losses()[0].lost == 0
    (prospect,) = study.prospects()
    assert prospect.waiting_treatment == 5 and prospect.verdict == "inside"
    assert "not due yet" in prospect.sentence and "will be lost" in prospect.sentence


def test_every_reason_adds_up() -> None:
    study = coded({0: "-9", 3: "-7", 5: "", 8: "-8"}, not_due=["refused"])
    for row in study.losses():
        assert row.due == row.analysed + row.lost
        assert sum(n for _, n in row.reasons) == row.lost
    whole = [row for row in study.losses() if row.site is None]
    assert sum(row.due + row.set_aside for row in whole) == 60


# Against the boundaries


def test_beating_the_blues_at_every_follow_up(studies: dict[str, ek.Study]) -> None:
    study = studies["beating-the-blues"]
    found = {row.wave: row for row in study.attrition()}
    expected = {
        "2-months": (3, 6.25, "outside", "inside"), "3-months": (27, 3.85, "inside", "inside"),
        "5-months": (42, 4.65, "outside", "inside"), "8-months": (48, 0.16, "inside", "inside"),
    }  # fmt: skip
    for wave, (overall, points, cautious, optimistic) in expected.items():
        row = found[wave]
        assert round(100 * row.overall, 2) == overall
        assert 100 * row.differential == pytest.approx(points, abs=0.005)
        assert (row.cautious, row.optimistic) == (cautious, optimistic)
    assert {row.wave: row.needed for row in study.prospects()} == {
        "2-months": 1, "3-months": 0, "5-months": 2, "8-months": 0,
    }  # fmt: skip


def test_so_many_returns_as_foreseen_bring_it_inside() -> None:
    codes = dict.fromkeys(range(0, 16, 2), "")
    study = coded(codes)
    (row,) = study.prospects()
    assert row.verdict == "outside" and row.needed and row.needed_treatment == row.needed
    some = dict(list(codes.items())[row.needed :])
    assert coded(some).prospects()[0].verdict == "inside"
    one_fewer = dict(list(codes.items())[row.needed - 1 :])
    assert coded(one_fewer).prospects()[0].verdict == "outside"


def test_those_gone_for_good_cannot_come_back() -> None:
    frame, scores = split(arms(40))
    scores.loc[frame["arm"] == "programme", "post"] = scores["post"].where(np.arange(40) < 16)
    frame["left"] = np.where(scores["post"].isna(), "died", "")
    (row,) = study_of(declare(data__flow={"left_reason": "left"}), frame, scores).prospects()
    assert row.verdict == "outside" and row.needed is None
    assert "cannot be reached any more" in row.sentence


def test_nothing_is_foreseen_before_anybody_was_due_nor_of_one_group() -> None:
    frame, scores = split(arms(20))
    frame["came"] = "2024-12-20"
    made = declare(
        programme__start=datetime.date(2024, 1, 1), data__as_of=datetime.date(2024, 12, 31),
        data__flow={"allocated_on": "came"},
    )  # fmt: skip
    (row,) = study_of(made, frame, scores.assign(post=np.nan)).prospects()
    assert row.verdict is None and "nothing can be foreseen" in row.sentence
    one = declare(design={"type": "pre-post"})
    assert not study_of(one, frame.drop(columns="arm"), scores).prospects()


def test_by_site() -> None:
    frame, scores = split(arms(40, site="a"))
    frame.loc[20:, "site"] = "b"
    scores.loc[20:24, "post"] = np.nan
    study = study_of(declare(), frame, scores)
    rows = {row.site: row for row in study.attrition(by_site=True)}
    assert rows["a"].overall == 0 and rows["b"].overall == 0.25 and rows[None].overall == 0.125
    by_site = [row for row in study.losses() if row.site]
    assert sum(row.lost for row in by_site) == 5


def test_whole_units_and_the_people_of_those_that_stayed() -> None:
    frame, scores = split(arms(80))
    i = np.arange(80)
    frame["family"] = [f"f{k // 4}" for k in i]
    frame["arm"] = np.where(i // 4 % 2 == 0, "programme", "usual")
    scores.loc[(i < 4) | (i == 8) | (i == 12), "post"] = np.nan
    study = study_of(declare(design__assigned_by="family"), frame, scores)
    units, persons = study.unit_attrition()
    assert (units.unit, units.randomised_treatment, units.observed_treatment) == ("family", 10, 9)
    assert units.loss_comparison == 0
    assert persons.unit == "person in the families that stayed"
    assert (persons.randomised_treatment, persons.observed_treatment) == (36, 35)
    assert (persons.randomised_comparison, persons.observed_comparison) == (40, 39)
    assert not study_of(declare(), frame, scores).unit_attrition()


# Who they were


def test_how_the_lost_differed_at_the_start() -> None:
    study = study_of(plan(auxiliary=["years"]), *people())
    found = who.gaps(study)
    assert {row.covariate for row in found} == {"baseline", "tier", "years"}
    frame, scores = people()
    rows = frame.merge(scores, on="person")
    mine = rows[rows["arm"] == "programme"]
    gap = next(
        r for r in found
        if (r.covariate, r.groups, r.among) == ("baseline", "stayers - leavers", "treatment")
    )  # fmt: skip
    stayed = mine["post"].notna()
    assert gap.mean_first == pytest.approx(mine.loc[stayed, "pre"].mean())
    assert gap.mean_second == pytest.approx(mine.loc[~stayed, "pre"].mean())
    assert gap.smd is not None and gap.smd < 0
    assert gap.n_first + gap.n_second == len(mine)


def test_what_foretold_the_loss() -> None:
    (row,) = who.foretold(study_of(plan(), *people(200)))
    assert row.covariates_p is not None and row.covariates_p < 0.05
    assert "foretold who answered" in row.sentence
    frame, scores = people(lost=(0, 0))
    assert not who.foretold(study_of(plan(), frame, scores))


def test_families_of_whom_nobody_is_left() -> None:
    frame, scores = people(size=2)
    scores.loc[:3, "post"], scores.loc[4:7, "post"] = np.nan, 10.0
    (mine, other) = who.families_lost(study_of(plan(), frame, scores))
    rows = frame.merge(scores, on="person")
    both = rows.assign(gone=rows["post"].isna()).groupby(["arm", "family"])["gone"]
    assert mine.all_lost == both.all()["programme"].sum()
    assert other.all_lost == both.all()["usual"].sum()
    assert mine.some_lost == (both.any() & ~both.all())["programme"].sum()
    assert mine.families == other.families == 30


def test_how_scores_run_over_the_waves() -> None:
    frame, scores = people(lost=(0, 0))
    scores.loc[[0, 2], "mid"] = np.nan
    scores.loc[[2, 4, 6], "post"] = np.nan
    found = answers.wave_gaps(study_of(over_time(plan()), frame, scores))
    counts = {row.kind: row.n for row in found if row.arm == "all"}
    assert counts["intermittent"] == 1 and counts["monotone"] == 3
    assert counts["complete"] == 116
    assert sum(row.n for row in found if row.arm != "all") == 120


def test_time_to_leaving() -> None:
    frame, scores = people(lost=(0, 0))
    frame["came"] = "2024-01-01"
    frame["gone_on"] = np.where(np.arange(120) < 30, "2024-03-01", "")
    made = plan()
    made["programme"]["start"] = datetime.date(2024, 1, 1)
    made["data"] |= {
        "as_of": datetime.date(2024, 12, 31), "flow": {"allocated_on": "came", "left_on": "gone_on"},
    }  # fmt: skip
    curve = who.time_to_leaving(study_of(made, frame, scores))
    assert curve is not None
    last = {point.arm: point.survival for point in curve.points if point.time <= 60}
    assert last["treatment"] == pytest.approx(0.75) and last["comparison"] == pytest.approx(0.75)
    assert who.time_to_leaving(study_of(plan(), *people())) is None


# Item by item


def items(n: int = 30, **changes: Any) -> ek.Study:
    """Return a trial with item answers: person 0 in a straight line, person 1 in haste."""
    rows = []
    for k in range(n):
        for wave in ("baseline", "end"):
            given = {f"q{j}": str((k + j) % 3) for j in range(1, 26)}
            if k == 0:
                given = dict.fromkeys(given, "1")
            if k >= n - 4 and wave == "end":
                given["q3"] = "-9" if k == n - 1 else ""
            seconds = "9" if k == 1 else "120"
            rows.append({"person": f"p{k:03d}", "wave": wave, "informant": "self",
                         "took": seconds, **given})  # fmt: skip
    made = declare(**changes)
    made["data"].pop("scores")
    made["data"]["responses"] = [{
        "file": "answers.csv", "measure": "sdq-self-11-17", "seconds": "took",
        "missing_codes": {"-9": "refused"},
    }]  # fmt: skip
    made["logic_model"]["outcomes"][0]["measure"] = {"id": "sdq-self-11-17", "scale": "total"}
    frame = split(arms(n))[0].astype(str)
    return evaluate(made).study(tables={"people.csv": frame, "answers.csv": pd.DataFrame(rows)})


def test_blank_items_with_their_reasons() -> None:
    found = answers.item_blanks(items())
    (third,) = (row for row in found if row.wave == "end" and row.item == "3")
    assert (third.sets, third.blank, third.families_blank) == (30, 4, 4)
    assert dict(third.reasons) == {"no answer returned": 3, "refused": 1}
    assert sum(row.blank for row in found) == 4 and len(found) == 50


def test_careless_answers_are_flagged_and_nobody_is_left_out() -> None:
    study = items()
    by_sign = {(row.sign, row.wave): row for row in answers.careless_answers(study)}
    line = by_sign["the same answer throughout", "end"]
    haste = by_sign["answered faster than it can be read", "end"]
    assert (line.flagged, haste.flagged, haste.families_flagged) == (1, 1, 1)
    assert study.losses()[0].lost == 0


# Pages


def text_of(page: str, section: str) -> str:
    """Return the words of a section of a page, pictures left out."""
    found = re.search(rf'<section id="{section}">.*?</section>', page, re.DOTALL)
    assert found, section
    return unescape(
        re.sub(r"<[^>]+>", " ", re.sub(r"<svg.*?</svg>", "", found[0], flags=re.DOTALL))
    )


def page_of(made: dict[str, Any], frames: Any, folder: Path) -> str:
    place = folder / "page.html"
    ek.report(study_of(made, *frames).analyse(), place)
    return place.read_text(encoding="utf-8")


STRICT = {"profile": "strict", "threshold": 10, "round_to": 5}
SHOWN = ["multiple-imputation", "delta", "worst-case"]


def test_a_shareable_page_gives_no_small_loss_away(tmp_path: Path) -> None:
    frame, scores = people(80, lost=(0.12, 0.08))
    frame["left"] = np.where(scores["post"].isna(), "moved to a refuge", "")
    frame["site"] = np.where(np.arange(80) < 40, "north", "south")
    made = plan(sensitivity=SHOWN) | {"disclosure": STRICT}
    study = study_of(made, frame, scores)
    assert 0 < study.losses()[0].lost < 10
    page = page_of(made, (frame, scores), tmp_path)
    for section in ("loss", "survives"):
        assert "refuge" not in text_of(page, section)
    loss, survives = text_of(page, "loss"), text_of(page, "survives")
    assert "nobody at all answered" not in loss and "Known at the start" not in loss
    assert re.search(r"worse, step by step\s+planned\s+not shown", survives)
    assert re.search(r"the lost could be\s+planned\s+not shown", survives)
    assert "imputed" not in survives and "standard deviations" not in survives
    assert "Points added to the imputed" not in page and "settled" not in page
    openly = page_of(
        made | {"disclosure": {"profile": "open", "because": "made"}}, (frame, scores), tmp_path
    )
    assert "refuge" in text_of(openly, "loss") and "Known at the start" in text_of(openly, "loss")
    assert "outcomes of" in text_of(openly, "survives") and "settled" in openly


def test_a_shareable_page_shows_what_many_are_behind(tmp_path: Path) -> None:
    frame, scores = people(300, lost=(0.3, 0.25), effect=-7)
    frame["site"] = np.where(np.arange(300) < 150, "north", "south")
    frame["left"] = frame["left"].replace({"refused": "moved"})
    page = page_of(plan(sensitivity=SHOWN) | {"disclosure": STRICT}, (frame, scores), tmp_path)
    loss, survives = text_of(page, "loss"), text_of(page, "survives")
    assert "Loss by site" in loss and "north" in loss and "Known at the start" in loss
    assert "turns at" in survives and "not shown" not in survives
    shown = re.findall(r"\b(?:moved|refused|no answer returned): (\d+)", loss)
    assert shown and all(int(n) % 5 == 0 and int(n) >= 15 for n in shown)


def test_items_left_blank_by_a_few_are_not_counted_on_a_shareable_page(tmp_path: Path) -> None:
    study = items()
    ek.report(study.analyse(), tmp_path / "open.html")
    loss = text_of((tmp_path / "open.html").read_text(encoding="utf-8"), "loss")
    assert "item 3" in loss and "answered faster than it can be read: 1" in loss
    assert re.search(r"0\.5\s*%", loss)
    ek.report(items(disclosure=STRICT).analyse(), tmp_path / "strict.html")
    loss = text_of((tmp_path / "strict.html").read_text(encoding="utf-8"), "loss")
    assert "item 3" not in loss and "faster" not in loss and "0.5" not in loss


def test_findings_json_holds_who_was_lost(tmp_path: Path) -> None:
    study = study_of(over_time(plan(sensitivity=SHOWN)), *people())
    ek.report(study.analyse(), tmp_path / "findings.json")
    found = json.loads((tmp_path / "findings.json").read_text(encoding="utf-8"))
    keys = (
        "attrition", "unit_attrition", "losses", "lost_differ", "foretold", "families_lost",
        "wave_gaps", "item_blanks", "careless_answers", "sensitivity",
    )  # fmt: skip
    assert set(keys) <= set(found)
    assert {row["method"] for row in found["sensitivity"]} == {"complete-case", *SHOWN}
    for row in found["losses"]:
        assert row["due"] == row["analysed"] + sum(n for _, n in row["reasons"])
