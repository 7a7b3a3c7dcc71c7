"""Results site by site: pooled, drawn, hidden where small, and set against traits of sites."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import evalkit as ek
from evalkit.errors import InvalidData
from evalkit.stats.combining.meta import meta_analysis
from tests.conftest import declare, study_of

PLAN = declare(design__assigned_by="family")


def trial(
    sizes: list[int], *, effects: Any = -5.0, seed: int = 1, spread: float = 5.0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return people and scores of a trial at several sites, families of two, half in each arm."""
    rng = np.random.default_rng(seed)
    rows = []
    for s, size in enumerate(sizes):
        effect = effects[s] if isinstance(effects, list) else effects
        for i in range(size):
            family = i // 2
            treated = family % 2 == 0
            pre = float(np.clip(rng.normal(26, 6), 4, 60).round())
            post = 0.6 * pre + 10 + rng.normal(0, spread) + (effect if treated else 0)
            rows.append((
                f"s{s}p{i:03d}", f"s{s}f{family:03d}", f"site {s + 1}",
                "programme" if treated else "usual", 1 + s % 2, pre, float(np.clip(post, 0, 63).round()),
            ))  # fmt: skip
    columns = ["person", "family", "site", "arm", "rural", "pre", "post"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.drop(columns=["pre", "post"]).astype(str), frame[["person", "pre", "post"]]


def analysed(made: dict[str, Any], people: pd.DataFrame, scores: pd.DataFrame) -> ek.Analysis:
    return study_of(made, people, scores).analyse()


def section_of(page: str) -> str:
    """Return the section of sites of a page."""
    return page[page.index('<section id="sites">') :].split("</section>")[0]


def test_sites_are_estimated_apart_and_put_together() -> None:
    people, scores = trial([40, 44, 48, 52, 60, 36])
    found = analysed(PLAN, people, scores).sites[0]
    rows = people.merge(scores, on="person")
    rows["t"] = (rows["arm"] == "programme").astype(float)
    alone = [
        ek.stats.mean_difference(
            mine, outcome="post", treatment="t", covariates=["pre"], cluster="family"
        )
        for _, mine in rows.groupby("site")
    ]
    assert [s.estimate for s in found.sites] == pytest.approx([e.estimate for e in alone], rel=1e-9)
    assert [s.std_error for s in found.sites] == pytest.approx(
        [e.std_error for e in alone], rel=1e-9
    )
    meta = meta_analysis(
        [e.estimate for e in alone],
        [(e.std_error or 0) ** 2 for e in alone],
        hartung_knapp="modified",
    )
    for name in ("estimate", "std_error", "conf_low", "tau2", "tau2_high", "i2", "q_p",
                 "prediction_low", "prediction_high"):  # fmt: skip
        assert getattr(found, name) == pytest.approx(getattr(meta, name), rel=1e-9)
    assert sum(site.weight for site in found.sites) == pytest.approx(1)
    assert (found.n_sites, found.k, found.n_pooled, found.n_analysed) == (6, 6, 280, 280)
    assert found.one_stage is not None and found.one_stage == pytest.approx(found.estimate, abs=0.8)
    assert "In a new site like these it would be expected between" in found.sentence


def test_sites_that_differ_are_said_to_differ() -> None:
    people, scores = trial([80] * 6, effects=[-12.0, 2.0, -11.0, 3.0, -10.0, 1.0], spread=3)
    found = analysed(PLAN, people, scores).sites[0]
    assert (found.q_p or 1) < 0.001 and (found.tau2 or 0) > 20
    assert "Effects differ between sites by more than chance" in found.sentence
    assert (found.prediction_low or 0) < -12 and (found.prediction_high or 0) > 2


def test_a_site_with_three_families_is_counted_and_has_no_part_in_the_average() -> None:
    people, scores = trial([60, 60, 60, 60, 60, 6])
    found = analysed(PLAN, people, scores).sites[0]
    small = found.sites[-1]
    assert small.why_not and small.weight == 0
    assert (found.n_sites, found.k) == (6, 5)
    assert (found.n_pooled, found.n_alone, found.n_unplaced) == (300, 6, 0)
    assert found.n_analysed == found.n_pooled + found.n_alone + found.n_unplaced
    assert "1 of 6 sites have no part in the average" in " ".join(found.notes)


def test_sites_all_alike_are_not_said_to_be_proved_so() -> None:
    people, scores = trial([60])
    copies = [
        frame.assign(person=frame["person"] + f"-{k}")
        for k in range(5)
        for frame in (people, scores)
    ]
    everyone = pd.concat([
        frame.assign(family=frame["family"] + f"-{k}", site=f"site {k}")
        for k, frame in enumerate(copies[::2])
    ])  # fmt: skip
    found = analysed(PLAN, everyone, pd.concat(copies[1::2])).sites[0]
    assert found.tau2 == pytest.approx(0, abs=1e-9)
    assert len({round(site.estimate or 0, 9) for site in found.sites}) == 1
    assert found.conf_low is not None and found.conf_low < found.conf_high  # type: ignore[operator]
    assert "does not show that they are alike" in found.sentence
    assert "does not show that sites are alike" in " ".join(found.notes)


def test_fewer_than_five_sites_tell_nothing_of_how_they_differ() -> None:
    people, scores = trial([60, 60, 60])
    found = analysed(PLAN, people, scores).sites[0]
    assert "With 3 sites nobody can tell how much effects differ" in found.sentence
    assert found.prediction_low is not None
    people, scores = trial([60, 60])
    two = analysed(PLAN, people, scores).sites[0]
    assert two.k == 2 and two.prediction_low is None and two.estimate is not None


def test_one_site_and_whole_sites_assigned_have_no_section(tmp_path: Path) -> None:
    people, scores = trial([80])
    found = analysed(PLAN, people, scores)
    assert not found.sites
    ek.report(found, tmp_path / "page.html")
    assert "alike everywhere?</h2>" not in (tmp_path / "page.html").read_text(encoding="utf-8")
    people, scores = trial([20] * 6)
    whole = people.assign(arm=np.where(people["site"] < "site 4", "programme", "usual"))
    made = declare(design__type="rct-cluster", design__assigned_by="site")
    assert not analysed(made, whole, scores).sites


def test_people_without_a_site_are_counted() -> None:
    people, scores = trial([40, 40, 40])
    people.loc[people.index[:6], "site"] = ""
    found = analysed(PLAN, people, scores).sites[0]
    assert found.n_unplaced == 6 and found.n_pooled == 114
    assert "at no known site" in " ".join(found.notes)


def test_traits_of_sites_are_set_against_their_effects() -> None:
    effects = [-12.0, -2.0] * 5
    people, scores = trial([48] * 10, effects=effects, spread=3)
    made = declare(PLAN, analysis__site_moderators=["rural"])
    found = analysed(made, people, scores).sites[0]
    (moderator,) = found.moderators
    assert moderator.term == "rural"
    assert moderator.estimate == pytest.approx(10, abs=2) and moderator.p_value < 0.001
    assert "Sites were not assigned to moderators" in " ".join(found.notes)
    people.loc[3, "rural"] = "9"
    with pytest.raises(InvalidData, match="site 'site 1' has more than one value"):
        study_of(made, people, scores)


def test_a_page_shows_the_sites_and_findings_hold_them(tmp_path: Path) -> None:
    people, scores = trial([60, 60, 60, 60, 60, 60])
    found = analysed(PLAN, people, scores)
    ek.report(found, tmp_path / "page.html")
    ek.report(found, tmp_path / "findings.json")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    section = section_of(page)
    for words in ("Did it work alike everywhere?", "Expected in a new site", "Average over sites",
                  "The effect at each site", "With fewer than ten sites its shape says nothing"):  # fmt: skip
        assert words in section
    assert section.count("<svg") == 2
    written = json.loads((tmp_path / "findings.json").read_text(encoding="utf-8"))
    assert [site["site"] for site in written["sites"][0]["sites"]] == [
        f"site {k}" for k in range(1, 7)
    ]


def test_small_sites_are_hidden_and_never_one_alone(tmp_path: Path) -> None:
    people, scores = trial([120, 120, 120, 120, 100, 30])
    made = declare(PLAN, disclosure={"profile": "strict"})
    found = analysed(made, people, scores)
    ek.report(found, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    section = section_of(page)
    rows = re.findall(r'<tr><th scope="row">(site \d)</th><td[^>]*>([^<]*)<', section)
    hidden = [name for name, cell in rows if cell == "not shown"]
    assert hidden == ["site 5", "site 6"]
    own = found.sites[0].sites[5].estimate or 0.0
    assert f"{own:.1f}".replace("-", "−") not in section.split("Each site")[-1]


def test_shares_are_pooled_and_hidden_site_by_site(tmp_path: Path) -> None:
    people, scores = trial([120] * 5)
    made = declare(
        PLAN, disclosure={"profile": "strict"},
        logic_model__outcomes__0__measure={"id": "bdi-ii", "at_most": 20},
    )  # fmt: skip
    found = analysed(made, people, scores)
    assert found.sites[0].unit == "share" and found.sites[0].estimate is not None
    ek.report(found, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    section = section_of(page)
    assert "percentage points" in section and section.count(">not shown<") == 15
