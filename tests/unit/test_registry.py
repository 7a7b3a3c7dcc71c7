"""The registry finds and keeps; and every shipped measure keeps its own promises."""

import importlib.resources
import zipfile

import pandas as pd
import pytest

from evalkit import content
from evalkit.content import read_texts, registry_from_texts, shipped_registry
from evalkit.errors import InvalidContent, UnknownDesign, UnknownMeasure
from evalkit.measure_checks import cited_facts, partition_fault
from evalkit.registry import Registry
from evalkit.scoring import METHODS, score

SHIPPED = shipped_registry()
NAMES = {name.rsplit("/", 1)[-1].removesuffix(".yaml"): name for name in read_texts("measures")}
TEXT = read_texts("measures")["wellbeing/bdi-ii.yaml"]


def each_measure(keep=lambda measure: True):
    return [name for name in SHIPPED.measures() if keep(SHIPPED.measure(name))]


scored_here = pytest.mark.parametrize("measure_id", each_measure(lambda m: not m.score_only))
shipped = pytest.mark.parametrize("measure_id", each_measure())


@shipped
def test_a_measure_is_cited_licensed_and_verified(measure_id):
    measure = SHIPPED.measure(measure_id)
    assert measure.id == measure_id and NAMES[measure_id].count("/") == 1
    assert measure.reference and measure.licence.holder
    assert not measure.licence.text_included
    assert all(record.verification for _, record in cited_facts(measure))
    assert all(scale.verification != "mem" for scale in measure.scales)
    assert measure.scale().id == measure.default_scale
    assert measure.title in measure.card()


@shipped
def test_bands_cover_ranges_and_none_rests_on_memory(measure_id):
    for scale in SHIPPED.measure(measure_id).scales:
        for system in scale.band_systems:
            assert partition_fault(scale, system) == "" and system.verification != "mem"


def scored(measure, answers, **options):
    columns = [f"{measure.column}_{item.id}" for item in measure.items]
    return score(pd.DataFrame(answers, columns=columns, dtype="float64"), measure, **options)


@scored_here
def test_extreme_answers_reach_the_declared_range(measure_id):
    measure = SHIPPED.measure(measure_id)
    turned = {item for scale in measure.scales for item in scale.reverse}
    lowest, highest = {}, {}
    for scale in measure.scales:
        for item in (item for item in measure.items if item.id in scale.items):
            ends = (item.high, item.low) if item.id in turned else (item.low, item.high)
            lowest[item.id], highest[item.id] = ends
    ids = [item.id for item in measure.items]
    table = scored(measure, [[ends[item] for item in ids] for ends in (lowest, highest)])
    for scale in measure.scales:
        assert tuple(table[measure.score_column(scale.id)]) == scale.range, scale.id


@scored_here
def test_worked_examples_reproduce(measure_id):
    measure = SHIPPED.measure(measure_id)
    for example in measure.examples:
        row = scored(measure, [example.answers], bands=example.system).iloc[0]
        for name, expected in example.scores:
            found = row[measure.score_column(name)]
            assert pd.isna(found) if expected is None else found == expected, example.title
        for name, label in example.bands:
            found = row[f"{measure.score_column(name)}_band"]
            assert pd.isna(found) if label is None else found == label, example.title


@scored_here
def test_nothing_answered_gives_nothing(measure_id):
    measure = SHIPPED.measure(measure_id)
    row = scored(measure, [[None] * len(measure.items)]).iloc[0]
    assert all(pd.isna(row[measure.score_column(scale.id)]) for scale in measure.scales)
    assert row[f"{measure.column}__n_answered"] == 0 and pd.isna(row[f"{measure.column}__flags"])


def test_every_method_a_file_may_name_can_be_run():
    from typing import get_args

    from evalkit.measure_spec import Method

    assert set(get_args(Method)) == {*METHODS, "given"}


def test_ids_are_sorted_and_unknown_ids_are_refused_with_a_near_match():
    assert SHIPPED.measures() == sorted(SHIPPED.measures())
    with pytest.raises(UnknownMeasure, match="Did you mean 'sdq-parent-4-17'") as raised:
        SHIPPED.measure("sdq-parents-4-17")
    assert "bdi-ii" in str(raised.value)
    with pytest.raises(UnknownDesign, match="There is no design 'rct'"):
        registry_from_texts({}, {}).design("rct")


def test_only_the_file_asked_for_is_read_and_once():
    read = []

    def reader(name):
        def one():
            read.append(name)
            return content.parse(TEXT, name)

        return one

    names = ("wellbeing/bdi-ii.yaml", "wellbeing/other.yaml")
    registry = Registry({name: reader(name) for name in names}, {})
    assert registry.measures() == ["bdi-ii", "other"] and read == []
    assert registry.measure("bdi-ii") is registry.measure("bdi-ii")
    assert read == ["wellbeing/bdi-ii.yaml"]


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ({"a/wrong-name.yaml": TEXT}, "not the name of the file"),
        ({"a/bdi-ii.yaml": "id: bdi-ii\nid: bdi-ii\n"}, "repeated"),
        ({"a/bdi-ii.yaml": TEXT, "b/bdi-ii.yaml": TEXT}, "also that of a/bdi-ii.yaml"),
        ({"a/bdi-ii.yaml": ""}, "keys and values"),
    ],
)
def test_faulty_files_are_refused(texts, words):
    name = next(iter(texts)).rsplit("/", 1)[-1].removesuffix(".yaml")
    with pytest.raises(InvalidContent, match=words):
        registry_from_texts(texts, {}).measure(name)


def test_content_is_found_in_a_zip(tmp_path, monkeypatch):
    archive = tmp_path / "evalkit.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("evalkit/_content/measures/wellbeing/bdi-ii.yaml", TEXT)
        packed.writestr("evalkit/_content/examples/one/note.txt", "x")
    package = zipfile.Path(archive, "evalkit/")
    monkeypatch.setattr(content, "files", lambda name: package)
    assert read_texts("measures") == {"wellbeing/bdi-ii.yaml": TEXT}
    assert content.example_folder().joinpath("one", "note.txt").read_text() == "x"
    with pytest.raises(content.NotAvailable, match="'designs' is not part"):
        content.folder("designs")


def test_the_checkout_holds_what_the_registry_lists():
    assert importlib.resources.files("evalkit") is not None
    assert sorted(NAMES) == SHIPPED.measures()
