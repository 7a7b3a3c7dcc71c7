"""Every measure as a form: what the other programs' own readers make of it, and the way back."""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest

import evalkit as ek
from evalkit.errors import InvalidData, InvalidInput
from evalkit.files.tables import read_table
from evalkit.forms import as_json, asking, excel, fhir, redcap, xlsform
from evalkit.instruments.parts import Item, Skip
from evalkit.instruments.spec import Measure, build_measure
from tests.measures import random_answers

MEASURES = [ek.measure(name) for name in ek.measures()]
ASKED = [measure for measure in MEASURES if measure.items]
WITHOUT = [measure for measure in MEASURES if not measure.items]
BY_ID = {measure.id: measure for measure in MEASURES}
HOSTILE = ("=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "＋1", "－1", "＠x",
           "=cmd|' /C calc'!A0", "[person] ${nobody} a|b, c", 'say "this"', "<b>&amp;</b>",
           "=HYPERLINK(\"http://x\")", "http://x", "line\nbreak", "nul\x00l\x1b")  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
every = pytest.mark.parametrize("measure", ASKED, ids=lambda measure: measure.id)


def made(*items: Item, **changes: Any) -> Measure:
    """Return a made measure: that of GAD-7 with other items and without scales."""
    base = replace(BY_ID["gad-7"], id="made-up", prefixes=(), scales=(), default_scale="")
    return replace(base, items=items, **{"skips": (), **changes})


def item(name: str, *codes: float, label: str = "short", **more: Any) -> Item:
    return Item(
        id=name, label=label, codes=tuple((code, f"answer {code}") for code in codes), **more
    )


def skip(when: tuple[str, ...], items: tuple[str, ...], **limit: float) -> Skip:
    return Skip(when=when, items=items, value=0, verification="own", **limit)


HARMFUL = made(
    *(replace(item(f"a-{n}", 0, 1, label=text), codes=((0, text), (1, "b")), text=text)
      for n, text in enumerate(HOSTILE)),
    title="=1+1", version="@1", construct="+1",
    licence=replace(BY_ID["gad-7"].licence, holder="=1", note="-1", text_included=True),
)  # fmt: skip
EDGES = made(
    item("negative", -1, 0, 1), item("half", 0, 0.5, 1), item("much", *range(100, 200)),
    Item(id="number", label="any number", range=(0, math.inf), step=None),
    Item(id="halves", label="halves", range=(1, 4), step=0.5),
    Item(id="twos", label="twos", range=(0, 10), step=2),
    Item(id="below-nought", label="below nought", range=(-5, 5), step=1),
    item("late", 0, 1, 2),
    skips=(skip(("half",), ("late",), below=0.5), skip(("number", "negative"), ("late",), at_most=0)),
)  # fmt: skip


# XLSForm


def xform(measure: Measure) -> tuple[dict[str, set[str] | str], dict[str, dict[str, str]]]:
    """Return of pyxform's XForm the codes or kind of every question asked, and the bindings."""
    from pyxform.xls2xform import convert

    done = convert(xlsform.workbook(measure), warnings=(warnings := []))
    assert warnings == []
    root = ElementTree.fromstring(re.sub(r' xmlns="[^"]+"', "", done.xform, count=1))
    lists = {
        x.get("id"): {name.text or "" for name in x.iter("name")} for x in root.iter("instance")
    }
    binds = {x.attrib["nodeset"].split("/")[-1]: dict(x.attrib) for x in root.iter("bind")}
    asked: dict[str, set[str] | str] = {}
    for node in root.iter():
        name = node.get("ref", "").split("/")[-1]
        if node.tag == "select1":
            asked[name] = lists[re.search(r"'(\w+)'", node.find("itemset").get("nodeset"))[1]]  # type: ignore[union-attr,index,arg-type]
        elif node.tag == "input":
            asked[name] = binds[name]["type"]
    return asked, binds


@every
def test_an_xlsform_asks_every_question_with_its_codes(measure: Measure) -> None:
    asked, binds = xform(measure)
    first = ["person", "wave", *(["informant"] if measure.respondent != "self" else [])]
    assert list(asked)[: len(first)] == first
    assert asked["wave"] == {"baseline", "end"}
    names = {f"{measure.column}_{x.column}": x for x in measure.items}
    assert set(asked) - {"person", "wave", "informant", "date", "about"} == set(names)
    for name, x in names.items():
        kind = "int" if asking.is_whole(x) else "decimal"
        assert asked[name] == (kind if x.range else {f"{code:g}" for code, _ in x.codes})
        assert ("constraint" in binds[name]) == bool(x.range)
        assert binds[name].get("required") is None
    assert {x for x in names if "relevant" in binds[x]} == {
        f"{measure.column}_{measure.item(x).column}" for x in asking.passed_over(measure)
    }
    assert measure.respondent != "self" or binds["informant"]["calculate"] == "'self'"


def test_an_xlsform_of_odd_answers() -> None:
    asked, binds = xform(EDGES)
    assert asked["made_up_negative"] == {"-1", "0", "1"}
    assert asked["made_up_half"] == {"0", "0.5", "1"}
    assert asked["made_up_twos"] == "int" and asked["made_up_number"] == "decimal"
    assert binds["made_up_halves"]["constraint"] == ". >= 1 and . <= 4 and (. - 1) mod 0.5 = 0"
    assert binds["made_up_twos"]["constraint"] == ". >= 0 and . <= 10 and (. - 0) mod 2 = 0"
    assert binds["made_up_number"]["constraint"] == ". >= 0"
    assert binds["made_up_below_nought"]["constraint"] == ". >= -5 and . <= 5"
    asked, _ = xform(replace(EDGES, id="9-lives"))
    assert "_9_lives_half" in asked


def test_the_waves_of_a_form_are_ids() -> None:
    gad = BY_ID["gad-7"]
    book = openpyxl.load_workbook(io.BytesIO(xlsform.workbook(gad, waves=["start", "2-months"])))
    rows = [tuple(row) for row in book["choices"].iter_rows(values_only=True)]
    assert ("waves", "2-months", "2-months") in rows
    for waves in ((), ("a b",), ("a", "a"), ("a,b",), ("=1",), "end"):
        with pytest.raises(InvalidInput, match="wave"):
            xlsform.workbook(gad, waves=waves)
        with pytest.raises(InvalidInput, match="wave"):
            excel.template(gad, waves=waves)


# REDCap


def fields(measure: Measure) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(redcap.dictionary(measure)), strict=True))


@every
def test_a_dictionary_is_as_redcap_wants_it(measure: Measure) -> None:
    rows = fields(measure)
    assert len(redcap.COLUMNS) == len(set(redcap.COLUMNS)) == 18
    assert tuple(rows[0]) == redcap.COLUMNS
    names = [row[redcap.NAME] for row in rows]
    assert names[:2] == ["person", "wave"] and len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z][a-z0-9_]{0,25}", name) and "__" not in name for name in names)
    assert {row[redcap.FORM] for row in rows} == {measure.column}
    assert not any(row["Required Field?"] for row in rows)
    found = {row["Field Annotation"]: row for row in rows if row["Field Annotation"]}
    assert list(found) == [f"evalkit: {measure.column}_{x.column}" for x in measure.items]
    known = redcap.field_names(measure)
    for x, row in zip(measure.items, found.values(), strict=True):
        assert row[redcap.NAME] == known[x.id]
        _redcap_answers(x, row)


def _redcap_answers(x: Item, row: dict[str, str]) -> None:
    if x.range:
        assert row[redcap.CHECK] == ("integer" if asking.is_whole(x) else "number")
        assert float(row[redcap.LOW]) == x.low
        assert float(row[redcap.HIGH] or math.inf) == x.high
        return
    pairs = [choice.strip().split(", ", 1) for choice in row[redcap.CHOICES].split("|")]
    assert [(float(code), label) for code, label in pairs] == [
        (code, label.strip()) for code, label in x.codes
    ]


@every
def test_evalkit_finds_the_fields_of_redcap(measure: Measure) -> None:
    from evalkit.scoring.columns import item_columns

    names = redcap.field_names(measure)
    start = redcap.start_of_names(measure)
    assert item_columns(list(names.values()), measure, prefix=start or None) == names


def test_names_too_long_for_redcap_are_cut_and_stay_apart() -> None:
    two = made(item("a" * 30 + "-x", 0, 1), item("a" * 30 + "-y", 0, 1))
    names = redcap.field_names(two)
    assert list(names.values()) == ["made_up_aaaaaaaaaaaaa_1", "made_up_aaaaaaaaaaaaa_2"]
    assert redcap.start_of_names(two) == ""
    assert redcap.start_of_names(BY_ID["dash-safelives"]) == "das_"
    assert redcap.start_of_names(BY_ID["gad-7"]) == ""
    assert redcap.field_names(BY_ID["sdq-parent-4-17"])["impact-gateway"] == "sdq_impact_gateway"
    assert redcap.field_names(replace(EDGES, id="9-lives"))["half"] == "m_9_lives_half"


def test_a_dictionary_of_odd_answers() -> None:
    rows = {row[redcap.NAME]: row for row in fields(EDGES)}
    assert rows["made_up_negative"][redcap.CHOICES].strip().startswith("-1, answer -1 | 0, ")
    assert rows["made_up_below_nought"][redcap.LOW] == "-5"
    assert "in steps of 0.5" in rows["made_up_halves"][redcap.NOTE]


# FHIR


def questions(parts: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for part in parts:
        if part["type"] == "group":
            yield from questions(part["item"])
        elif part["type"] != "display":
            yield part


def validated(document: dict[str, Any], version: str) -> None:
    if version == "R5":
        from fhir.resources.questionnaire import Questionnaire as Form
    else:
        from fhir.resources.R4B.questionnaire import Questionnaire as Form
    read = Form.model_validate_json(json.dumps(document, allow_nan=False))
    assert json.loads(read.model_dump_json()) == document


@pytest.mark.parametrize("version", ["R5", "R4B"])
@every
def test_a_questionnaire_is_valid(measure: Measure, version: str) -> None:
    document = fhir.questionnaire(measure, version=version)  # type: ignore[arg-type]
    validated(document, version)
    assert document["status"] == "draft" and document["url"].startswith("urn:uuid:")
    assert re.fullmatch(r"[A-Z][A-Za-z0-9_]{1,254}", document["name"])
    assert re.fullmatch(r"[A-Za-z0-9.-]{1,64}", document["id"])
    assert measure.licence.holder in document["copyright"]
    asked = list(questions(document["item"]))
    assert [part["linkId"] for part in asked] == [x.id for x in measure.items]
    for x, part in zip(measure.items, asked, strict=True):
        if x.range:
            assert part["type"] == ("integer" if asking.is_whole(x) else "decimal")
            ends = {y["url"].split("/")[-1]: v for y in part["extension"] for k, v in y.items()
                    if k != "url"}  # fmt: skip
            assert ends["minValue"] == x.low and ends.get("maxValue", math.inf) == x.high
        else:
            assert part["type"] == ("coding" if version == "R5" else "choice")
            codes = [y["valueCoding"]["code"] for y in part["answerOption"]]
            assert codes == [asking.number(code) for code, _ in x.codes]


def test_questionnaires_of_odd_answers_are_valid() -> None:
    for measure in (EDGES, HARMFUL, replace(EDGES, id="9-lives")):
        for version in ("R5", "R4B"):
            validated(fhir.questionnaire(measure, version=version), version)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="R5, R4B"):
        fhir.questionnaire(EDGES, version="R4")  # type: ignore[arg-type]


def respond(
    document: dict[str, Any], answers: dict[str, float], status: str = "completed"
) -> dict[str, Any]:
    """Return the response to a questionnaire: its groups as they are, with the answers given."""

    def filled(parts: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for part in parts:
            if part["type"] == "group":
                yield {"linkId": part["linkId"], "item": list(filled(part["item"]))}
            elif part["linkId"] in answers:
                value = answers[part["linkId"]]
                given: dict[str, Any] = {"valueCoding": {"code": asking.number(value)}}
                if part["type"] in ("integer", "decimal"):
                    whole = part["type"] == "integer"
                    name = f"value{part['type'].title()}"
                    given = {name: int(value) if whole else value}
                yield {"linkId": part["linkId"], "answer": [given]}

    return {"resourceType": "QuestionnaireResponse", "status": status,
            "questionnaire": f"{document['url']}|{document['version']}",
            "item": list(filled(document["item"]))}  # fmt: skip


@every
def test_a_response_is_read_back(measure: Measure) -> None:
    from fhir.resources.questionnaireresponse import QuestionnaireResponse

    document = fhir.questionnaire(measure)
    frame = random_answers(measure, 3, seed=5).iloc[1:]
    for _, row in frame.iterrows():
        cells = {x.id: row[f"{measure.column}_{x.column}"] for x in measure.items}
        given = {name: value for name, value in cells.items() if not math.isnan(value)}
        response = respond(document, given)
        QuestionnaireResponse.model_validate_json(json.dumps(response))
        assert fhir.response_answers(response, measure) == {
            x.id: given.get(x.id) for x in measure.items
        }


def test_a_response_that_may_not_be_used() -> None:
    gad = BY_ID["gad-7"]
    document = fhir.questionnaire(gad)
    good = respond(document, {"1": 3})
    assert fhir.response_answers(good, gad)["1"] == 3
    assert fhir.response_answers({**good, "item": None}, gad)["1"] is None
    for change, told in (
        ({"resourceType": "Questionnaire"}, "QuestionnaireResponse"),
        ({"status": "entered-in-error"}, "completed"),
        ({"questionnaire": fhir.canonical(BY_ID["phq-9"])}, "another questionnaire"),
        ({"item": "1"}, "shaped"),
        ({"item": ["1"]}, "shaped"),
    ):
        with pytest.raises(InvalidInput, match=told):
            fhir.response_answers({**good, **change}, gad)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"valueCoding": {"code": "7"}}, "0, 1, 2, 3"),
        ({"valueCoding": {"code": "1_0"}}, "not allowed"),
        ({"valueCoding": {"display": "never"}}, "not allowed"),
        ({"valueInteger": True}, "not allowed"),
        ({"valueDecimal": 0.5}, "not allowed"),
        ({"valueString": "3"}, "not of the kind"),
    ],
)
def test_an_answer_of_a_response_that_is_not_allowed(answer: dict[str, Any], told: str) -> None:
    gad = BY_ID["gad-7"]
    response = respond(fhir.questionnaire(gad), {"1": 3, "2": 3})
    response["item"][1]["answer"] = [answer]
    with pytest.raises(InvalidData, match=told) as caught:
        fhir.response_answers(response, gad)
    assert [problem.where.key for problem in caught.value.problems] == ["2"]


def test_questions_twice_or_unknown_are_all_told() -> None:
    gad = BY_ID["gad-7"]
    response = respond(fhir.questionnaire(gad), {"1": 3})
    response["item"] += [response["item"][0], {"linkId": "8", "answer": [{"valueInteger": 1}]}]
    response["item"].append({"linkId": "3", "answer": [{"valueInteger": 1}, {"valueInteger": 1}]})
    with pytest.raises(InvalidData) as caught:
        fhir.response_answers(response, gad)
    assert [problem.where.key for problem in caught.value.problems] == ["1", "8", "3"]


# When a question is passed over


def enabled(document: dict[str, Any], answers: dict[str, float]) -> set[str]:
    """Return the questions that are asked, by what FHIR says of enableWhen."""

    def holds(test: dict[str, Any], given: dict[str, float]) -> bool:
        value = given.get(test["question"])
        if test["operator"] == "exists":
            return (value is not None) == test["answerBoolean"]
        coding = test.get("answerCoding")
        wanted = (
            float(coding["code"])
            if coding
            else test.get("answerDecimal", test.get("answerInteger"))
        )
        tell = {"=": value == wanted, ">": (value or 0) > wanted, ">=": (value or 0) >= wanted}
        return value is not None and tell[test["operator"]]

    def asked(parts: list[dict[str, Any]], given: dict[str, float]) -> Iterator[str]:
        for part in parts:
            tests = part.get("enableWhen", [])
            if not tests or any(holds(test, given) for test in tests):
                yield from (
                    asked(part["item"], given) if part["type"] == "group" else [part["linkId"]]
                )

    shown, before = set(answers), None
    while shown != before:  # what is not asked has no answer
        before = shown
        given = {name: value for name, value in answers.items() if name in shown}
        shown = set(asked([x for x in document["item"] if x["type"] != "display"], given))
    return shown


def by_formula(measure: Measure, formulas: dict[str, str], answers: dict[str, float]) -> set[str]:
    """Return the questions asked by conditions as XLSForm and REDCap write them."""
    given: dict[str, float] = {}
    shown = set()
    for x in measure.items:
        words = re.sub(r"\$?[\[{]([a-z0-9_]+)[\]}]", r"a('\1')", formulas.get(x.id, ""))
        words = re.sub(r"(?<![<>])=", "==", words)
        cells = {k: given.get(y.id, "") for y in measure.items for k in _names(measure, y)}
        if not words or eval(words, {"a": lambda name, cells=cells: _Cell(cells[name])}):
            shown.add(x.id)
            if x.id in answers:
                given[x.id] = answers[x.id]
    return shown


def _names(measure: Measure, x: Item) -> tuple[str, str]:
    return xlsform.question_name(measure, x), redcap.field_names(measure)[x.id]


class _Cell:
    """A value as a form compares it: nothing is above or below a blank."""

    def __init__(self, value: float | str) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return self.value == other

    def __gt__(self, other: float) -> bool:
        return not isinstance(self.value, str) and self.value > other

    def __ge__(self, other: float) -> bool:
        return not isinstance(self.value, str) and self.value >= other


SKIPPING = [*[measure for measure in ASKED if measure.skips], EDGES]


@pytest.mark.parametrize("measure", SKIPPING, ids=lambda measure: measure.id)
def test_skips_are_said_alike_by_every_form(measure: Measure) -> None:
    deciding = sorted({name for skip in measure.skips for name in skip.when})
    values = [[None, *_some(measure.item(name))] for name in deciding]
    book = openpyxl.load_workbook(io.BytesIO(xlsform.workbook(measure)))["survey"]
    rows = [dict(zip(xlsform.SURVEY, row, strict=True)) for row in book.iter_rows(values_only=True)]
    relevant = {row["name"]: row["relevant"] or "" for row in rows[1:]}
    branching = {row[redcap.NAME]: row[redcap.BRANCHING] for row in fields(measure)}
    document = fhir.questionnaire(measure)
    for row in itertools.product(*values):
        answers = {x: y for x, y in zip(deciding, row, strict=True) if y is not None}
        shown = enabled(document, answers)
        xls = {x.id: relevant[_names(measure, x)[0]] for x in measure.items}
        red = {x.id: branching[_names(measure, x)[1]] for x in measure.items}
        assert by_formula(measure, xls, answers) == shown
        assert by_formula(measure, red, answers) == shown
        assert shown == _by_the_measure(measure, answers)


def _some(x: Item) -> list[float]:
    return [code for code, _ in x.codes] or [x.low, x.low + 1]


def _by_the_measure(measure: Measure, answers: dict[str, float]) -> set[str]:
    given, shown = dict(answers), set()
    for x in measure.items:
        for found in (y for y in measure.skips if x.id in y.items):
            at = [given.get(name) for name in found.when]
            top = found.at_most if found.at_most is not None else found.below
            assert top is not None
            if all(y is not None and (y < top or (y == top and found.below is None)) for y in at):
                given.pop(x.id, None)
                break
        else:
            shown.add(x.id)
    return shown


def test_a_skip_decided_by_a_later_question_is_left_out() -> None:
    late = made(item("a", 0, 1), item("b", 0, 1), skips=(skip(("b",), ("a",), at_most=0),))
    assert asking.passed_over(late) == {}
    assert "enableWhen" not in json.dumps(fhir.questionnaire(late))


def test_what_a_form_passes_over_is_scored_as_the_measure_says() -> None:
    audit = BY_ID["audit"]
    asked = enabled(fhir.questionnaire(audit), {"1": 0, "9": 4, "10": 2})
    assert asked == {"1", "9", "10"}
    frame = pd.DataFrame(
        [{f"audit_{x.id}": {"1": 0, "9": 4, "10": 2}.get(x.id) for x in audit.items}]
    )
    assert ek.score(frame.astype(float), "audit")["audit__total"].tolist() == [6]


# JSON


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.id)
def test_a_record_holds_the_whole_measure(measure: Measure) -> None:
    text = json.dumps(as_json.record(measure), allow_nan=False)
    data = json.loads(text)
    assert (data["id"], data["version"]) == (measure.id, measure.version)
    assert build_measure(data, lambda path: pytest.fail(str(path))) == measure


def test_an_unlimited_end_is_null() -> None:
    found = {x["id"]: x for x in as_json.record(BY_ID["police-callouts"])["items"]}
    assert found["events"]["range"] == [0, None]


# Excel


def filled(measure: Measure, entries: list[dict[str, Any]], path: Path, **how: Any) -> Path:
    """Fill the template by column name and save it, as somebody would in Excel."""
    book = openpyxl.load_workbook(io.BytesIO(excel.template(measure, **how)))
    sheet = book.worksheets[0]
    places = {cell.value: cell.column for cell in sheet[1]}
    for n, row in enumerate(entries, start=2):
        for name, value in row.items():
            sheet.cell(n, places[name], value)
    book.save(path)
    return path


@every
def test_scores_of_a_filled_template_are_those_of_the_answers(
    measure: Measure, tmp_path: Path
) -> None:
    n = 10
    names = [f"{measure.column}_{x.column}" for x in measure.items]
    answers = random_answers(measure, n, seed=11)[names]
    rows = []
    for k, row in enumerate(answers.to_dict("records")):
        cells = {name: value for name, value in row.items() if not math.isnan(value)}
        rows.append(
            {"person": f"{k:03d}", "wave": "end", "date": pd.Timestamp("2025-04-03"), **cells}
        )
    raw = read_table(filled(measure, rows, tmp_path / "answers.xlsx", rows=n)).frame
    first = ["person", "wave", *(["informant"] if measure.respondent != "self" else []), "date"]
    assert list(raw.columns) == [*first, *names]
    assert raw["person"].tolist() == [f"{k:03d}" for k in range(n)]
    assert set(raw["date"]) == {"2025-04-03"}
    found, direct = ek.score(raw, measure.id), ek.score(answers, measure.id)
    scores = [column for column in direct.columns if column.startswith(f"{measure.column}__")]
    pd.testing.assert_frame_equal(
        found[scores].reset_index(drop=True), direct[scores], check_dtype=False
    )


@every
def test_a_template_takes_only_what_is_allowed(measure: Measure) -> None:
    book = openpyxl.load_workbook(io.BytesIO(excel.template(measure, rows=7)))
    assert book.sheetnames == ["answers", "guide"]
    sheet = book["answers"]
    assert sheet.freeze_panes == "B2" and sheet.max_row == 8
    names = {cell.value: cell.column_letter for cell in sheet[1]}
    rules = {str(x.sqref): x for x in sheet.data_validations.dataValidation}
    for name in ("person", "wave"):
        assert all(sheet[f"{names[name]}{row}"].number_format == "@" for row in range(2, 9))
    guide = {row[0]: row for row in book["guide"].iter_rows(values_only=True)}
    for x in measure.items:
        name = f"{measure.column}_{x.column}"
        rule = rules[f"{names[name]}2:{names[name]}8"]
        assert rule.errorStyle in (None, "stop") and rule.allowBlank
        assert x.allowed.split(",")[0] in rule.error and name in rule.error
        assert x.label in guide[name][1] and guide[name][2] == f"{x.allowed}, or blank"
        if x.range:
            assert rule.type == ("whole" if asking.is_whole(x) else "decimal")
            assert float(rule.formula1) == x.low
            assert rule.operator in (None, "between") or math.isinf(x.high)
        else:
            assert rule.type == "list"
            assert rule.formula1 == '"' + ",".join(f"{code:g}" for code, _ in x.codes) + '"'
            assert all(f"{code:g} = {label}" in guide[name][3] for code, label in x.codes)
    everything = " ".join(str(row[0]) for row in book["guide"].iter_rows(values_only=True))
    assert measure.licence.holder in everything and measure.reference.split("(")[0] in everything


def test_a_template_of_odd_answers(tmp_path: Path) -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(excel.template(EDGES)))["answers"]
    rules = {str(x.sqref): x for x in sheet.data_validations.dataValidation}
    names = {cell.value: cell.column_letter for cell in sheet[1]}
    much = rules[f"{names['made_up_much']}2:{names['made_up_much']}201"]
    assert (much.type, much.formula1, much.formula2) == ("decimal", "100", "199")
    assert much.error.endswith("See the sheet guide.") and len(much.error) <= 255
    assert rules[f"{names['made_up_half']}2:{names['made_up_half']}201"].formula1 == '"0,0.5,1"'
    for rows in (0, -1, 10**6):
        with pytest.raises(InvalidInput, match="1 to 100000"):
            excel.template(EDGES, rows=rows)


def test_the_same_measure_gives_the_same_bytes() -> None:
    audit = BY_ID["audit"]
    assert excel.template(audit) == excel.template(audit)
    assert xlsform.workbook(audit) == xlsform.workbook(audit)


def test_a_template_of_finished_scores(tmp_path: Path) -> None:
    bdi, psi = BY_ID["bdi-ii"], BY_ID["psi-4-sf"]
    rows = [{"person": "001", "wave": "end", "score": 12}]
    raw = read_table(filled(bdi, rows, tmp_path / "scores.xlsx")).frame
    assert list(raw.columns) == ["person", "wave", "date", "score"]
    assert raw.iloc[0].tolist() == ["001", "end", "", "12"]
    names = list(read_table(filled(psi, [{"person": "1"}], tmp_path / "psi.xlsx")).frame.columns)
    assert names[3:] == [psi.score_column(scale.id) for scale in psi.scales]


@pytest.mark.parametrize("measure", WITHOUT, ids=lambda measure: measure.id)
def test_a_measure_without_items_is_refused_with_the_reason(measure: Measure) -> None:
    why = {"score-only": "finished scores", "framework": "framework", "metadata": "not scored"}
    for make in (xlsform.workbook, redcap.dictionary, fhir.questionnaire):
        with pytest.raises(InvalidInput, match=why[measure.kind]):
            make(measure)
    if measure.kind == "score-only":
        assert excel.template(measure)
    else:
        with pytest.raises(InvalidInput, match=why[measure.kind]):
            excel.template(measure)


# What must not get into any form


@pytest.mark.parametrize("measure", [HARMFUL, EDGES, *ASKED[:3]], ids=lambda x: x.id)
def test_nothing_in_a_form_is_a_formula(measure: Measure) -> None:
    for content in (xlsform.workbook(measure), excel.template(measure, rows=3)):
        for sheet in openpyxl.load_workbook(io.BytesIO(content)):
            cells = [cell for row in sheet.iter_rows() for cell in row]
            assert {cell.data_type for cell in cells} <= {"s", "n"}
            assert not any(cell.hyperlink for cell in cells)
    for row in csv.reader(io.StringIO(redcap.dictionary(measure))):
        for cell in row:
            assert not cell.startswith(FORMULA) or re.fullmatch(r"[-+]?[0-9.]+", cell), cell


def test_labels_are_read_as_labels() -> None:
    asked, _ = xform(HARMFUL)
    assert len(asked) == len(HOSTILE) + 4
    rows = fields(HARMFUL)
    assert not any("[" in row[redcap.LABEL] for row in rows)
    radios = [row[redcap.CHOICES] for row in rows if row[redcap.KIND] == "radio"]
    assert all(len(cell.split("|")) == 2 for cell in radios)
    guide = openpyxl.load_workbook(io.BytesIO(excel.template(HARMFUL)))["guide"]
    assert "=1+1" in [cell.value for row in guide.iter_rows() for cell in row]


def everything(measure: Measure) -> list[str]:
    """Return the text of every form."""
    texts = [redcap.dictionary(measure), json.dumps(as_json.record(measure))]
    texts += [json.dumps(fhir.questionnaire(measure, version=x)) for x in ("R5", "R4B")]  # type: ignore[arg-type]
    for content in (xlsform.workbook(measure), excel.template(measure)):
        book = openpyxl.load_workbook(io.BytesIO(content))
        cells = [
            str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row
        ]
        rules = [
            f"{x.prompt} {x.error}" for sheet in book for x in sheet.data_validations.dataValidation
        ]
        texts.append("\n".join([*cells, *rules]))
    return texts


def test_wording_is_there_only_where_the_licence_includes_it() -> None:
    secret = "How often have you been bothered?"
    worded = made(item("1", 0, 1, text=secret), licence=replace(
        BY_ID["gad-7"].licence, status="free", text_included=True))  # fmt: skip
    assert all(secret in text for text in everything(worded))
    assert not any("short label" in text for text in everything(worded))
    kept = replace(worded, licence=replace(worded.licence, text_included=False))
    assert not any(secret in text for text in everything(kept))
    for text in everything(kept)[:1] + everything(kept)[2:]:
        assert "wording" in text and kept.licence.holder in text


def test_whom_to_ask_follows_the_licence() -> None:
    gad = BY_ID["gad-7"]

    def told(**changes: Any) -> str:
        return asking.whom_to_ask(replace(gad, licence=replace(gad.licence, **changes)))

    assert "Ask the holder" in told(status="commercial", holder="Pearson", url="https://x.org")
    assert "Pearson (https://x.org)" in told(
        status="commercial", holder="Pearson", url="https://x.org"
    )
    assert "Take it from the form" in told(status="open", holder="Pfizer")
    assert "start from" in told(status="unclear", holder="not recorded")
    assert told(holder="evalkit") == ""
    assert asking.whom_to_ask(BY_ID["school-attendance"]) == ""


def test_numbers_are_written_as_they_are() -> None:
    assert [asking.number(x) for x in (0, 4.0, 0.5, -1, 1234567, np.float64(2))] == [
        "0", "4", "0.5", "-1", "1234567", "2",
    ]  # fmt: skip
