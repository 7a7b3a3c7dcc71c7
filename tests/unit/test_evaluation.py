"""A declaration is checked as a whole: every problem, with its line and key, at once."""

from __future__ import annotations

from typing import Any

import pytest

from evalkit.content import shipped_registry
from evalkit.errors import InvalidEvaluation, Problem
from evalkit.evaluation import build_evaluation
from evalkit.files.strict_yaml import parse
from tests.conftest import declare, evaluate

YAML = """\
evalkit: 1
programme: {name: A made programme, start: 2024-04-01}
data:
  as_of: 2025-03-31
  people: {file: people.csv}
  responses:
    - {file: sdq.csv, measure: sdq-parent-4-17}
  scores:
    - {file: bdi.csv, measure: bdi-ii, shape: wide, columns: {baseline: pre, end: post}}
  events: {file: events.csv}
roles: [survivor, child]
waves:
  - {id: baseline, due: 0 weeks}
  - {id: end, due: 10 weeks}
indicators:
  - {id: callouts, kind: callout, window: 12 months}
logic_model:
  activities:
    - {id: group, name: A group, for: [survivor]}
  outputs:
    - {id: done, name: Completed, from: group}
  outcomes:
    - id: mood
      name: Mood lifts
      role: survivor
      measure: {id: bdi-ii, scale: total}
      direction: lower
      expected: {change: -3}
      when: [end]
    - id: calm
      name: Children are calmer
      role: child
      measure: {id: sdq-parent-4-17, informants: [survivor]}
      direction: lower
      when: [end]
    - {id: safer, name: Fewer incidents, role: survivor, indicator: callouts}
  links:
    - {from: group, to: mood}
  harms:
    - {id: anger, name: Anger, watch: callouts, direction: higher}
design:
  type: rct-individual
  arm: {column: arm, treated: programme, comparison: usual}
  assigned_by: person
  because: sealed envelopes
analysis:
  primary: {outcome: mood, wave: end}
  covariates: [baseline, age]
disclosure: {profile: strict}
"""


def problems(old: str, new: str) -> list[Problem]:
    assert YAML.count(old) == 1, old
    text = YAML.replace(old, new)
    with pytest.raises(InvalidEvaluation) as caught:
        build_evaluation(parse(text, "e.yaml"), text, shipped_registry(), lambda *_: None)
    return list(caught.value.problems)


def line_of(text: str) -> int:
    return next(n for n, line in enumerate(YAML.splitlines(), start=1) if text in line)


CASES = {
    "twice a role": ("[survivor, child]", "[survivor, child, child]", "roles.2", "used twice"),
    "twice a node": ("id: done,", "id: group,", "logic_model.outputs.0", "used twice"),
    "unknown measure": ("measure: sdq-parent-4-17}", "measure: sdq-parent}",
                        "data.responses.0.measure", "unknown measure 'sdq-parent'"),
    "no items": ("measure: sdq-parent-4-17}", "measure: bdi-ii}",
                 "data.responses.0.measure", "holds no items"),
    "source informant": ("measure: sdq-parent-4-17}", "measure: sdq-parent-4-17, informant: aunt}",
                         "data.responses.0.informant", "unknown informant 'aunt'"),
    "unknown scale": ("scale: total}", "scale: sum}",
                      "logic_model.outcomes.0.measure.scale", "unknown scale 'sum'"),
    "source scale": ("bdi-ii, shape", "bdi-ii, scale: sum, shape",
                     "data.scores.0.scale", "unknown scale 'sum'"),
    "wide without columns": (", columns: {baseline: pre, end: post}", "",
                             "data.scores.0", "needs `columns`"),
    "long with columns": ("shape: wide", "shape: long", "data.scores.0.columns", "no `columns`"),
    "unknown wave in columns": ("end: post}", "finish: post}",
                                "data.scores.0.columns.finish", "unknown wave 'finish'"),
    "one column for two waves": ("end: post}", "end: pre}",
                                 "data.scores.0.columns", "two waves name the same column"),
    "wide without informant": ("measure: bdi-ii, shape", "measure: sdq-parent-4-17, shape",
                               "data.scores.0", "answered by somebody else"),
    "no events": ("  events: {file: events.csv}\n", "", "indicators", "need `data.events`"),
    "unknown role": ("role: child\n", "role: chid\n",
                     "logic_model.outcomes.1.role", "unknown role 'chid'"),
    "when the first wave": ("      expected: {change: -3}\n      when: [end]",
                            "      expected: {change: -3}\n      when: [baseline]",
                            "logic_model.outcomes.0.when.0", "unknown wave after the first"),
    "a wave twice": ("      expected: {change: -3}\n      when: [end]",
                     "      expected: {change: -3}\n      when: [end, end]",
                     "logic_model.outcomes.0.when", "listed twice"),
    "an informant twice": ("informants: [survivor]", "informants: [survivor, survivor]",
                           "logic_model.outcomes.1.measure.informants", "listed twice"),
    "measure and indicator": ("indicator: callouts}", "indicator: callouts, measure: none}",
                              "logic_model.outcomes.2", "not both"),
    "unknown indicator": ("indicator: callouts}", "indicator: calls}",
                          "logic_model.outcomes.2.indicator", "unknown indicator 'calls'"),
    "no direction": ("      direction: lower\n      expected", "      expected",
                     "logic_model.outcomes.0", "needs `direction`"),
    "no when": ("      expected: {change: -3}\n      when: [end]", "      expected: {change: -3}",
                "logic_model.outcomes.0", "needs `when`"),
    "nobody answers": ("informants: [survivor]", "informants: []",
                       "logic_model.outcomes.1.measure", "answered by somebody else"),
    "somebody else answers": ("scale: total}", "scale: total, informants: [child]}",
                              "logic_model.outcomes.0.measure.informants", "not by 'child'"),
    "the wrong way round": ("direction: lower\n      expected", "direction: higher\n      expected",
                            "logic_model.outcomes.0.direction", "lower is better"),
    "a change for the worse": ("{change: -3}", "{change: 3}",
                               "logic_model.outcomes.0.expected", "for the worse"),
    "link to nowhere": ("to: mood}", "to: moods}",
                        "logic_model.links.0.to", "unknown node 'moods'"),
    "link from nowhere": ("{from: group, to", "{from: groups, to",
                          "logic_model.links.0.from", "unknown node 'groups'"),
    "activity for nobody": ("for: [survivor]", "for: [survivors]",
                            "logic_model.activities.0.for", "unknown role 'survivors'"),
    "output from nothing": ("from: group}", "from: groop}",
                            "logic_model.outputs.0.from", "unknown activity 'groop'"),
    "harm without a watch": ("watch: callouts", "watch: calls",
                             "logic_model.harms.0.watch", "unknown indicator or outcome"),
    "a refused design": ("type: rct-individual", "type: cross-over",
                         "design.type", "cross-over is refused: a family cannot be returned"),
    "unknown design": ("type: rct-individual", "type: rct-individul",
                       "design.type", "unknown design"),
    "no arm": ("  arm: {column: arm, treated: programme, comparison: usual}\n", "",
               "design", "needs `design.arm`"),
    "no because": ("  because: sealed envelopes\n", "", "design", "needs `design.because`"),
    "one arm": ("comparison: usual}", "comparison: programme}", "design.arm", "the same value"),
    "a trial does not match": ("  assigned_by: person",
                               "  match: {covariates: [age], sets: s}\n  assigned_by: person",
                               "design.match", "does not match"),
    "weights of another design": ("  assigned_by: person",
                                  "  weight: {covariates: [age]}\n  assigned_by: person",
                                  "design.weight", "rct-individual has no `weight`"),
    "primary outcome": ("primary: {outcome: mood,", "primary: {outcome: moood,",
                        "analysis.primary.outcome", "unknown outcome 'moood'"),
    "primary wave": ("mood, wave: end}", "mood, wave: baseline}",
                     "analysis.primary.wave", "unknown wave of the outcome"),
    "primary without measure": ("{outcome: mood, wave: end}", "{outcome: safer, wave: end}",
                                "analysis.primary.outcome", "has no measure"),
    "primary informant": ("mood, wave: end}", "mood, wave: end, informant: child}",
                          "analysis.primary.informant", "unknown informant 'child'"),
    "a covariate twice": ("[baseline, age]", "[baseline, age, age]",
                          "analysis.covariates", "listed twice"),
    "a covariate of evalkit's own": ("[baseline, age]", "[baseline, score]",
                                     "analysis.covariates.1", "used by evalkit"),
    "a covariate that flow does not name": ("[baseline, age]", "[baseline, sessions]",
                                            "analysis.covariates.1", "used by evalkit"),
    "the arm as a covariate": ("[baseline, age]", "[baseline, arm]",
                               "analysis.covariates.1", "column of the arms"),
    "open without because": ("profile: strict", "profile: open", "disclosure", "say why"),
    "data before the start": ("as_of: 2025-03-31", "as_of: 2024-03-31", "data.as_of", "before"),
    "unknown key": ("disclosure: {profile: strict}", "disclosure: {profil: strict}",
                    "disclosure.profil", "unknown key 'profil'"),
    "a later method": ("window: 12 months}", "window: 12 months, exposure: days-in-care}",
                       "indicators.0.exposure", "days-in-care is not available"),
    "the primary treatment again": (
        "  covariates: [baseline, age]",
        "  covariates: [baseline, age]\n  missing: {sensitivity: [complete-case]}",
        "analysis.missing.sensitivity", "complete-case is the primary analysis already"),
    "an unknown treatment of the lost": (
        "  covariates: [baseline, age]",
        "  covariates: [baseline, age]\n  missing: {primary: imputation}",
        "analysis.missing.primary", "imputation"),
    "auxiliary that is known only later": (
        "  covariates: [baseline, age]",
        "  covariates: [baseline, age]\n  missing: {auxiliary: [arm]}",
        "analysis.missing.auxiliary.0", "column of the arms"),
    "first scores imputed without imputation": (
        "  covariates: [baseline, age]",
        "  covariates: [baseline, age]\n  missing_baseline: impute",
        "analysis.missing_baseline", "primary analysis is multiple-imputation"),
    "a later key": ("  events: {file: events.csv}",
                    "  events: {file: events.csv}\n  costs: {file: costs.csv}",
                    "data.costs", "costs is not available in this version"),
    "a file that is not read": ("people.csv", "people.sav", "data.people.file", "only csv"),
    "a span of time": ("due: 10 weeks", "due: ten weeks", "waves.1.due", "a span of time"),
    "a span past the calendar": ("due: 10 weeks", "due: 99999 years", "waves.1.due", "a span"),
    "a measure in capitals": ("measure: sdq-parent-4-17}", "measure: SDQ-Parent-4-17}",
                              "data.responses.0.measure", "unknown measure 'SDQ-Parent-4-17'"),
    "a threshold that hides nothing": ("{profile: strict}", "{profile: strict, threshold: 2}",
                                       "disclosure.threshold", "found '2'"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_broken_rule_is_named_with_its_line_and_key(name: str) -> None:
    old, new, key, says = CASES[name]
    found = problems(old, new)
    hits = [p for p in found if says in p.what]
    assert hits, [str(p) for p in found]
    assert hits[0].where.key == key
    assert hits[0].where.file == "e.yaml"
    first = line_of(old.splitlines()[0])
    assert first - 8 <= (hits[0].where.line or 0) <= first + 4


def test_the_base_of_these_cases_is_valid() -> None:
    made = build_evaluation(parse(YAML, "e.yaml"), YAML, shipped_registry(), lambda *_: None)
    targets = [(t.outcome.id, t.wave, t.informant, t.primary) for t in made.targets()]
    assert targets == [("mood", "end", "self", True), ("calm", "end", "survivor", False)]


def test_every_problem_is_reported_at_once_in_the_order_of_the_file() -> None:
    text = YAML.replace("role: child\n", "role: chid\n").replace("to: mood}", "to: moods}")
    text = text.replace("profile: strict", "profile: open").replace("wave: end}", "wave: never}")
    with pytest.raises(InvalidEvaluation) as caught:
        build_evaluation(parse(text, "e.yaml"), text, shipped_registry(), lambda *_: None)
    lines = [p.where.line for p in caught.value.problems]
    assert lines == sorted(lines)
    assert lines == [line_of(t) for t in ("role: child", "to: mood}", "outcome: mood,", "profile")]


@pytest.mark.parametrize("text", ["", "- a\n", "just words"])
def test_a_file_that_holds_no_keys(text: str) -> None:
    with pytest.raises(InvalidEvaluation):
        build_evaluation(parse(text, "e.yaml"), text, shipped_registry(), lambda *_: None)


def test_known_only_after_the_start_is_no_covariate() -> None:
    made = declare(data__flow={"sessions": "n_came"}, analysis__covariates=["baseline", "n_came"])
    with pytest.raises(InvalidEvaluation, match="known only after the start"):
        evaluate(made)


def test_an_indicator_for_missing_first_scores_is_for_trials_only() -> None:
    made = declare(design={"type": "pre-post"}, analysis__missing_baseline="indicator")
    with pytest.raises(InvalidEvaluation, match="randomised designs only"):
        evaluate(made)


@pytest.mark.parametrize(
    ("role", "harms"),
    [
        ("perpetrator", True),
        ("father-who-harms", True),
        ("adult-who-harms", True),
        ("abuser", True),
        ("ex-offender", True),
        ({"id": "father", "harms": True}, True),
        ("father", False),
        ("child", False),
        ("survivor", False),
        ("adult-harmed", False),
    ],
)
def test_which_roles_harm(role: Any, harms: bool) -> None:
    name = role if isinstance(role, str) else role["id"]
    made = evaluate(declare(roles=[role], logic_model__outcomes__0__role=name))
    assert made.harms(name) is harms


def test_a_link_of_the_mechanism_marks_a_role_as_harming() -> None:
    links = [{"from": "group", "to": "mood", "kind": "change-in-those-who-harm"}]
    made = declare(logic_model__links=links)
    made["logic_model"]["activities"] = [{"id": "group", "name": "Group"}]
    assert evaluate(made).harms("survivor")
    links[0]["kind"] = "wellbeing"
    made["logic_model"]["links"] = links
    assert not evaluate(made).harms("survivor")


def test_a_measure_in_capitals_hides_no_other_problem() -> None:
    text = YAML.replace("measure: sdq-parent-4-17}", "measure: SDQ-PARENT-4-17}")
    text = text.replace("role: child\n", "role: chid\n").replace("covariates:", "covariats:")
    with pytest.raises(InvalidEvaluation) as caught:
        build_evaluation(parse(text, "e.yaml"), text, shipped_registry(), lambda *_: None)
    said = {p.where.key: p.next_step for p in caught.value.problems}
    assert said == {
        "data.responses.0.measure": "Did you mean 'sdq-parent-4-17'? "
        f"`evalkit measures list` shows all {len(shipped_registry().measures())}.",
        "logic_model.outcomes.1.role": "Did you mean 'child'?",
        "analysis.covariats": "Did you mean 'covariates'?",
    }


@pytest.mark.parametrize(
    ("old", "new", "allowed"),
    [
        ("{profile: strict}", "{threshold: 2}", "3 or more"),
        ("{profile: strict}", "{threshold: 2000}", "1000 or less"),
        ("[survivor, child]", "[]", "a list of 1 or more"),
        ("name: Mood lifts", "name: ''", "1 or more characters"),
        (
            "  covariates: [baseline, age]",
            "  missing: {strategies: []}",
            "a list of 1 or more",
        ),
    ],
)
def test_limits_are_worded_for_people(old: str, new: str, allowed: str) -> None:
    assert allowed in [p.allowed for p in problems(old, new)]


def test_before_and_after_adjusts_for_nothing_but_the_first_score() -> None:
    made = declare(design={"type": "pre-post"}, analysis__covariates=["baseline", "age"])
    with pytest.raises(InvalidEvaluation, match="does not adjust for covariates") as caught:
        evaluate(made)
    (problem,) = caught.value.problems
    assert (problem.where.key, problem.next_step) == ("analysis.covariates", "Remove age.")
