"""Finding measures by what they measure, who answers, age, licence, kind and use."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import get_args, get_type_hints

import pytest
from typer.testing import CliRunner

from evalkit.cli import searching
from evalkit.cli.commands import app
from evalkit.content import shipped_registry
from evalkit.instruments.parts import Ages, Licence
from evalkit.instruments.search import ages_unknown, matching, stem
from evalkit.instruments.spec import Measure

REGISTRY = shipped_registry()
ALL = [REGISTRY.measure(name) for name in REGISTRY.measures()]


def ids(**wanted: object) -> set[str]:
    return {measure.id for measure in matching(ALL, **wanted)}  # type: ignore[arg-type]


def call(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["measures", "list", *arguments])
    return result.exit_code, result.output


def test_no_filter_keeps_all_in_their_order() -> None:
    assert matching(ALL) == ALL
    assert matching(reversed(ALL)) == ALL[::-1]
    assert matching([], construct="x") == []


@pytest.mark.parametrize(
    ("words", "among"),
    [
        ("depression", {"phq-9", "bdi-ii", "hads"}),
        ("DEPRESSIVE", {"phq-9", "bdi-ii", "hads"}),
        ("anxious", {"gad-7", "hads"}),
        ("self-esteem", {"rses-order-a"}),
        ("selfesteem", {"rses-order-a"}),
        ("self esteem", {"rses-order-a"}),
        ("well-being", {"who-5", "swemwbs"}),
        ("wellbeing", {"who-5", "swemwbs"}),
        ("sdq teacher", {"sdq-teacher-4-17"}),
        ("sdq-teacher", {"sdq-teacher-4-17"}),
        ("PHQ-9", {"phq-9"}),
        ("offending", {"proven-reoffending"}),
        ("children’s wellbeing", {"scwbs"}),
        ("loneliness", {"ucla-3"}),
        ("prosocial", {"sdq-self-11-17"}),
    ],
)  # fmt: skip
def test_words_are_found_in_any_form(words: str, among: set[str]) -> None:
    assert among <= ids(construct=words)


def test_every_word_must_be_found() -> None:
    assert ids(construct="sdq teacher") == {"sdq-teacher-2-4", "sdq-teacher-4-17"}
    assert ids(construct="depression zzz") == set()
    assert ids(construct="  ") == {measure.id for measure in ALL}
    assert "score-15" not in ids(construct="core")
    assert ids(construct=".*") == {measure.id for measure in ALL}  # signs are no words


@pytest.mark.parametrize("measure", ALL, ids=lambda measure: measure.id)
def test_a_measure_is_found_by_each_of_its_own_names(measure: Measure) -> None:
    texts = [measure.id, measure.title, measure.short_title, measure.construct]
    texts += [text for scale in measure.scales for text in (scale.id, scale.title)]
    for text in texts:
        assert matching([measure], construct=text) == [measure], text
        assert matching([measure], construct=text.upper()) == [measure], text


def test_stems_keep_short_words_whole() -> None:
    assert [stem(word) for word in ("age", "stress", "sdq", "depression", "abuse")] == [
        "age", "stress", "sdq", "depress", "abus",
    ]  # fmt: skip


def test_exact_filters() -> None:
    assert ids(respondent="teacher") == {"sdq-teacher-2-4", "sdq-teacher-4-17"}
    assert all(REGISTRY.measure(name).subject == "couple" for name in ids(subject="couple"))
    assert {"cts2"} <= ids(subject="couple")
    for name in ("kind", "purpose", "respondent", "subject"):
        values = {getattr(measure, name) for measure in ALL}
        parts = [ids(**{name: value}) for value in values]
        assert sum(map(len, parts)) == len(ALL) and all(parts)
    for status in get_args(get_type_hints(Licence)["status"]):
        found = matching(ALL, licence=status)
        assert {measure.licence.status for measure in found} <= {status}
    assert ids(kind="metadata", purpose="risk") == ids(kind="metadata") & ids(purpose="risk")


def test_ages_include_both_ends_and_unknown_ages_are_kept() -> None:
    assert {"sdq-parent-4-17", "sdq-parent-2-4"} <= ids(age=4)
    assert "sdq-parent-4-17" in ids(age=17) and "sdq-parent-4-17" in ids(age=17.9)
    assert "sdq-parent-4-17" not in ids(age=18) | ids(age=3.9)
    assert "swemwbs" in ids(age=90) and "swemwbs" not in ids(age=12)
    unknown = {measure.id for measure in ALL if ages_unknown(measure)}
    assert "phq-9" in unknown and unknown <= ids(age=0) & ids(age=200)
    only_high = replace(ALL[0], ages=Ages(high=5, verification="V1"))
    assert matching([only_high], age=0) and not matching([only_high], age=6)


def test_the_options_allow_what_a_file_may_say() -> None:
    hints = get_type_hints(Measure) | get_type_hints(Licence)
    for kind, name in (
        (searching.Respondent, "respondent"), (searching.Subject, "subject"),
        (searching.Licence, "status"), (searching.Purpose, "purpose"),
    ):  # fmt: skip
        assert [item.value for item in kind] == list(get_args(hints[name]))


def test_the_list_is_narrowed_by_the_options() -> None:
    code, text = call("--respondent", "teacher", "--age", "10", "--licence", "free-on-paper")
    assert code == 0 and "sdq-teacher-4-17" in text and "sdq-teacher-2-4" not in text
    assert "[ages 4 to 17]" in text
    code, text = call("--construct", "depression", "--age", "9")
    assert "[ages not stated]" in text and "[ages 6 to 19]" in text
    code, text = call("--about", "couple", "--kind", "instrument", "--purpose", "outcome")
    assert code == 0 and text.split()[-1] and "cts2 " in text and "cts2s" not in text
    code, text = call("--licence", "fre")
    assert code == 2 and "free-on-paper" in text
    assert call("--age", "-1")[0] == 2


def test_the_list_as_json() -> None:
    rows = json.loads(call("--respondent", "teacher", "--json")[1])["measures"]
    assert [set(row) for row in rows] == [{"id", "title", "kind", "purpose"}] * 2
    rows = json.loads(call("--construct", "phq-9", "--age", "30", "--json")[1])["measures"]
    assert [(row["id"], row["ages"]) for row in rows] == [("phq-9", "ages not stated")]
    assert json.loads(call("--construct", "zzz", "--json")[1]) == {"measures": []}


def test_nothing_found_says_how_to_widen() -> None:
    code, text = call("--construct", "parent stress", "--licence", "open")
    assert code == 0
    assert 'No measure fits --construct "parent stress", --licence open.' in text
    without = len(ids(construct="parent stress"))
    assert without and f"Without --licence open: {without} measure" in text
    assert f"evalkit measures list shows all {len(ALL)}." in text
    code, text = call("--about", "couple", "--respondent", "teacher")
    assert "Without --about couple: 2 measures." in text and code == 0
    assert "Without" not in call("--construct", "zzz")[1]
