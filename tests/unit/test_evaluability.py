"""What could be shown: every number against the functions it comes from, and its words."""

from __future__ import annotations

from math import sqrt
from typing import Any

import pytest
from scipy.stats import norm

import evalkit as ek
from evalkit.errors import InvalidInput, InvalidPlan, UnknownMeasure
from evalkit.prospects.designs import PLANS, Means, steps
from evalkit.prospects.facts import points, yardstick
from evalkit.prospects.rows import Evaluability
from evalkit.prospects.words import (
    claim_words,
    headline,
    in_hundred,
    lever_words,
    means_words,
    page_text,
    size_words,
    verdict,
)
from evalkit.reports.power import power_page, power_picture
from evalkit.stats.planning.power_clusters import power_blocked_cluster, power_cluster
from evalkit.stats.planning.power_people import power_blocked, power_individual
from evalkit.stats.planning.power_periods import power_before_after, power_did
from evalkit.stats.planning.power_wedge import power_stepped_wedge

TEAM: dict[str, Any] = {"families_a_month": 6, "months": 12, "people_per_family": 2, "sites": 12,
                        "loss": 0.25, "icc_family": 0.3, "correlation": 0.6,
                        "measure": "sdq-parent-4-17", "effect": 2}  # fmt: skip


@pytest.fixture(scope="module")
def found() -> Evaluability:
    return ek.evaluability(**TEAM)


def test_families_are_those_recruited_less_those_lost(found: Evaluability) -> None:
    assert (found.means.families, found.means.families_left) == (72, 54)
    assert {row.people for row in found.rows if row.design != "matched"} == {108}
    assert found.row("matched").people == 216
    assert found.chosen == "family"


def test_each_row_is_its_own_power_function(found: Evaluability) -> None:
    r2 = 0.36
    both: dict[str, Any] = {"r2_individual": r2, "r2_cluster": r2, "covariates": 1}
    family: dict[str, Any] = {"cluster_size": 2, "icc": 0.3, **both}
    per_cell = 108 / (12 * 7) / (1 + 0.25 / 0.95)
    expected = {
        "individual": power_individual(n=108, power=0.8, r2_individual=r2, covariates=1),
        "family": power_cluster(clusters=54, power=0.8, **family),
        "stratified": power_blocked_cluster(clusters=54, blocks=4, power=0.8, **family),
        "multisite": power_blocked_cluster(clusters=54, blocks=12, power=0.8, **family),
        "waitlist": power_cluster(clusters=54, power=0.8, **family),
        "site": power_cluster(clusters=12, cluster_size=9, icc=0.05, groups=4.5, icc_group=0.25,
                              r2_group=r2, power=0.8, **both),
        "stepped-wedge": power_stepped_wedge(
            clusters_per_step=2, steps=6, cluster_size=per_cell, icc=0.05,
            cluster_autocorrelation=0.8, power=0.8),
        "matched": power_cluster(clusters=108, power=0.8, **family),
        "did": power_did(clusters=12, cluster_size=9 / (1 + 0.25 / 0.95), icc=0.05,
                         correlation=0.6, cluster_autocorrelation=0.8, power=0.8),
        "before-after": power_before_after(n=108, correlation=0.6, design_effect=1.3, power=0.8),
    }  # fmt: skip
    assert list(expected) == [row.design for row in found.rows]
    for row in found.rows:
        assert row.smallest == pytest.approx(expected[row.design].effect, rel=1e-9), row.design
        assert row.df == expected[row.design].df
        assert row.points == pytest.approx(5.8 * (row.smallest or 0))


def test_single_people_and_one_site_are_the_plain_formulas() -> None:
    found = ek.evaluability(families=200, loss=0.1, effect="0.3 sd", strata=5)
    close = pytest.approx
    assert found.chosen == "individual"
    assert found.row("individual").chance == close(power_individual(n=180, effect=0.3).power)
    blocked = power_blocked(n=180, blocks=5, effect=0.3, effects="fixed")
    assert found.row("stratified").chance == close(blocked.power)
    did = power_did(n=360, effect=0.3, correlation=0.5)
    assert found.row("did").chance == close(did.power)
    assert (
        found.row("family").why_not and found.row("site").why_not and found.row("multisite").why_not
    )


def test_unequal_sites_show_less() -> None:
    row = ek.evaluability(**TEAM | {"cv": 0.6}).row("site")
    plain = power_cluster(
        clusters=12, cluster_size=9, icc=0.05, groups=4.5, icc_group=0.25, r2_individual=0.36,
        r2_cluster=0.36, r2_group=0.36, covariates=1, cv=0.6, power=0.8,
    )  # fmt: skip
    assert row.smallest == pytest.approx(plain.effect)
    assert (row.smallest or 0) > (ek.evaluability(**TEAM).row("site").smallest or 9)


def test_never_a_bare_number_where_the_icc_is_not_known(found: Evaluability) -> None:
    row = found.row("site")
    assert [icc for icc, _ in row.by_icc] == [0.01, 0.05, 0.1, 0.2]
    assert dict(row.by_icc)[0.05] == pytest.approx(row.smallest)
    effects = [effect for _, effect in row.by_icc]
    assert effects == sorted(effects)
    given = ek.evaluability(**TEAM | {"icc": 0.1}).row("site")
    assert dict(given.by_icc) == pytest.approx({0.1: dict(row.by_icc)[0.1]})
    families = ek.evaluability(**TEAM | {"icc_family": None}).row("family")
    assert [icc for icc, _ in families.by_icc] == [0.1, 0.3, 0.5]


def test_the_numbers_needed_are_the_fewest_that_are_enough(found: Evaluability) -> None:
    effect = found.effect
    assert effect == pytest.approx(2 / 5.8)
    for plan in PLANS:
        n = found.row(plan.id).families_needed
        if n is not None:
            power = [
                plan.power(found.means.scaled(k), {"effect": effect}).power for k in (n, n - 1)
            ]
            assert power[0] >= 0.8 > power[1], plan.id
    people = ek.evaluability(families=100, effect="0.3 sd").row("individual").families_needed
    assert people == power_individual(effect=0.3, power=0.8).n


def test_levers_say_what_each_change_alone_would_do() -> None:
    found = ek.evaluability(**TEAM | {"correlation": None})
    by_name = {lever.what: lever for lever in found.levers}
    assert list(by_name) == ["first score", "loss", "months", "families"]
    again = ek.evaluability(**TEAM).main
    assert by_name["first score"].chance == pytest.approx(again.chance)
    assert by_name["months"].to == -(-(found.main.families_needed or 0) // 6)
    assert by_name["families"].enough and not by_name["loss"].enough
    assert "nobody at all instead of 25%" in lever_words(by_name["loss"], found.means)
    assert "not enough alone" in lever_words(by_name["loss"], found.means)
    assert ek.evaluability(families=900, effect="0.5 sd").levers == ()


def test_less_loss_that_is_enough_is_the_most_that_may_be_lost() -> None:
    found = ek.evaluability(families=400, loss=0.3, effect="0.3 sd")
    lever = next(item for item in found.levers if item.what == "loss")
    need = power_individual(effect=0.3, power=0.8).n or 0
    assert lever.to == pytest.approx(int(100 * (1 - need / 400)) / 100) and lever.enough


def test_the_claim_is_the_ceiling_of_the_design_file(found: Evaluability) -> None:
    for plan in PLANS:
        row = found.row(plan.id)
        assert row.ceiling == (ek.design(plan.design).ceiling if plan.design else 3)
    assert "a design of a later version" in claim_words(found.row("did"))
    assert "not credited" in claim_words(found.row("before-after"))
    assert "any cause" in verdict(found, found.row("before-after"))


def test_a_plan_that_is_too_small_is_told_so(found: Evaluability) -> None:
    said = headline(found)
    assert "too small: an effect of 2 points would be found in " in said
    assert f"{found.main.families_needed} families instead of 72" in said
    assert "(" in verdict(found, found.row("site")) and "sites of this size" in verdict(
        found, found.row("site")
    )
    large = ek.evaluability(families=900, effect="0.5 sd")
    assert "large enough: an effect of 0.50 SD" in headline(large)
    assert "smallest effect it could show" in headline(ek.evaluability(families=100))
    alike = ek.evaluability(families=40, sites=3, icc=1, effect="0.3 sd").row("site")
    assert alike.families_needed is None


def test_words_of_sizes() -> None:
    assert [in_hundred(x) for x in (0.001, 0.244, 0.8, 0.999)] == [
        "fewer than 1 of 100", "24 of 100", "80 of 100", "more than 99 of 100"]  # fmt: skip
    assert (
        size_words(0.5)
        == f"medium; the average with it beats {100 * norm.cdf(0.5):.0f} of 100 without"
    )
    assert size_words(0.1).startswith("less than small") and size_words(0.2).startswith("small")
    yard = yardstick(ek.measure("sdq-parent-4-17"), None, 5.0)
    assert [points(yard, x) for x in (0.2, 0.6, 0.05)] == ["1 point", "3 points", "0.3 points"]


def test_warnings_rest_on_the_registry() -> None:
    yard = yardstick(ek.measure("sdq-parent-4-17"), "total", None)
    assert yard.reliable == pytest.approx(1.959964 * sqrt(2) * 5.8 * sqrt(1 - 0.82), rel=1e-6)
    said = " ".join(ek.evaluability(families=50, measure="phq-9", sd=6, effect=2, sites=4).warnings)
    assert "2 points is less than 6 points" in said and "nhs-talking-therapies" in said
    assert "less than 5 points, published as the smallest change that matters" in said
    assert "4 sites are few" in said and "Cohen" in said
    half = " ".join(ek.evaluability(families=50, measure="phq-9", sd=6, effect=0.5).warnings)
    assert "less than one step" in half
    assert "from memory" in " ".join(ek.evaluability(**TEAM).warnings)
    assert ek.evaluability(families=2000, effect="0.3 sd").warnings == ()


def test_the_spread_is_that_of_people_in_need_where_the_registry_has_it() -> None:
    yard = yardstick(ek.measure("core-10"), None, None)
    assert (yard.sd, yard.unverified) == (7.7, False) and "counselling" in yard.sd_source


def test_assumptions_are_said() -> None:
    said = " ".join(means_words(ek.evaluability(families=90, people_per_family=2, sites=4)))
    assert "an icc of 0.05 is assumed" in said and "an icc of 0.3 is assumed" in said
    assert "correlates at 0.5 with the last" in said


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"families": 0}, "key 'families': is 0"), ({"families": 1}, "two or more"),
        ({"loss": 1}, "Nobody would be left"), ({"icc": 1.2}, "key 'icc'"),
        ({"icc": -0.1}, "from 0 to 1"), ({"share_treated": 0}, "share-treated"),
        ({"families": None}, "families-a-month with months"),
        ({"families_a_month": 3, "months": 3}, "given twice"), ({"sites": 0}, "key 'sites'"),
        ({"power": 0.01}, "above alpha"), ({"correlation": 1}, "below 1"),
        ({"families": float("nan")}, "above 0"),
    ],
)  # fmt: skip
def test_means_that_cannot_be(given: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidPlan, match=words):
        ek.evaluability(**{"families": 100} | given)


def test_all_problems_come_at_once() -> None:
    with pytest.raises(InvalidPlan) as error:
        ek.evaluability(families=0, loss=1, icc=2)
    assert len(error.value.problems) == 3


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"effect": 0}, "effect is 0"), ({"effect": "3 points"}, "--sd"),
        ({"effect": "big"}, "not a number"), ({"measure": "swemwbs", "scale": "total"}, "--sd"),
        ({"measure": "gad-7"}, "Give --sd"), ({"sd": 0}, "above 0"), ({"scale": "total"}, "--measure"),
        ({"measure": "sdq-parent-4-17", "effect": 40}, "whole scale"),
    ],
)  # fmt: skip
def test_what_is_to_be_shown_must_make_sense(given: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        ek.evaluability(**{"families": 100} | given)


def test_an_unknown_measure_has_a_near_match() -> None:
    with pytest.raises(UnknownMeasure, match="sdq-parent-4-17"):
        ek.evaluability(families=100, measure="sdq-parent-4-16")


def test_site_designs_need_sites() -> None:
    two = ek.evaluability(families=100, sites=2, effect="0.3 sd")
    assert (
        "three sites" in two.row("site").why_not
        and "three sites" in two.row("stepped-wedge").why_not
    )
    assert "too few" in two.row("did").why_not
    cells = ek.evaluability(families=30, sites=12, loss=0.5).row("stepped-wedge")
    assert "fewer than one person" in cells.why_not
    assert [steps(n) for n in (3, 6, 12, 7, 10)] == [3, 6, 6, 7, 5]


def test_extremes_give_words_and_no_traceback() -> None:
    for given in ({"families": 2}, {"families": 1e6}, {"families": 9, "loss": 0.9},
                  {"families": 60, "sites": 60}, {"families": 60, "people_per_family": 8, "icc_family": 1},
                  {"families": 60, "sites": 5, "icc": 0, "icc_family": 0, "people_per_family": 1.5},
                  {"families": 60, "sites": 5, "icc": 1, "people_per_family": 2}):  # fmt: skip
        found = ek.evaluability(**given, effect="0.2 sd")
        assert "\n".join(page_text(found)) and len(found.rows) == len(PLANS)


def test_the_curve_and_the_page(found: Evaluability) -> None:
    curves = found.curves()
    assert next(iter(curves)) == "family" and len(curves) == 4
    for line in curves.values():
        chances = [chance for _, chance in line]
        assert chances == sorted(chances)
    svg = power_picture(found)
    assert "<title" in svg and "<desc" in svg and "Chance to find an effect of 2 points" in svg
    assert "planned: 72" in svg and "wanted: 80" in svg and "<script" not in svg
    page = power_page(found)
    assert page.count("<tr>") == 1 + len(found.rows) and "<script" not in page
    assert headline(found).replace("'", "&#39;") in page
    few = power_picture(ek.evaluability(**TEAM | {"months": 8}))
    assert "Sites start in turn, order drawn, icc 0.05: not possible" in few
    with pytest.raises(InvalidInput, match="--effect"):
        power_picture(ek.evaluability(families=100))
    assert "<svg" not in power_page(ek.evaluability(families=100))


def test_a_small_page_word_for_word() -> None:
    lines = page_text(ek.evaluability(families=100, effect="0.4 sd"))
    assert lines[:6] == [
        "Trial, people drawn one by one: too small: an effect of 0.40 SD would be found in 51 of 100 "
        "such studies; for 80 of 100 you would need 199 families instead of 100. At most: level 5 of "
        "5: credited to the programme.",
        "",
        "What this starts from",
        "  100 families, 1 measured in each, 1 site; 0% lost, so that 100 people have a last score.",
        "  An effect counts as found when p is below 0.05, two-sided; 80 of 100 is the chance "
        "wanted. 50% get the programme.",
        "  No first score to adjust for in trials; before-and-after and difference in differences, "
        "which need one, assume that it correlates at 0.5 with the last.",
    ]


def test_a_frame_holds_one_row_a_design(found: Evaluability) -> None:
    frame = found.to_frame()
    assert len(frame) == len(PLANS) and {"design", "smallest", "chance", "ceiling"} <= set(frame)


def test_the_means_of_a_team_do_not_change() -> None:
    means = Means(families=10)
    assert means.with_sites(3).families == 30 and means.families == 10
