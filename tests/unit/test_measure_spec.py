"""Building a measure from the contents of its file: every fault is found, placed and worded."""

import copy
import dataclasses

import pytest

from evalkit.content import read_texts
from evalkit.errors import InvalidContent, InvalidInput, Where
from evalkit.files.strict_yaml import parse
from evalkit.instruments.spec import build_measure

TEXT = read_texts("measures")["children/sdq-parent-4-17.yaml"]
SOUND = parse(TEXT, "sdq.yaml").data


def where(path):
    return Where(file="sdq.yaml", key=".".join(str(part) for part in path))


def problems(change):
    data = copy.deepcopy(SOUND)
    change(data)
    with pytest.raises(InvalidContent) as raised:
        build_measure(data, where)
    return [str(problem) for problem in raised.value.problems]


def test_a_sound_file_gives_frozen_records():
    measure = build_measure(SOUND, where)
    assert measure.scale("emotional").items == ("3", "8", "13", "16", "24")
    assert (measure.items[0].id, measure.items[0].low, measure.items[0].high) == ("1", 0, 2)
    assert measure.respondent == "carer" and str(measure.ages) == "4 to 17"
    assert measure.scale().id == "total" and measure.scale().higher_is_better is False
    with pytest.raises(dataclasses.FrozenInstanceError):
        measure.id = "other"


def test_the_card_names_licence_citation_and_direction():
    card = build_measure(SOUND, where).card()
    assert "Youthinmind" in card and "Goodman R (1997)" in card
    assert "prosocial: Prosocial behaviour, 0 to 10, higher is better" in card


def test_an_unknown_scale_is_refused_with_a_near_match():
    with pytest.raises(InvalidInput, match="Did you mean 'emotional'"):
        build_measure(SOUND, where).scale("emotionl")


def scale(data, name):
    return next(scale for scale in data["scales"] if scale["id"] == name)


FAULTS = {
    "unknown key": (lambda d: d.update(citaton="x"), "'citaton' is not known"),
    "near key": (lambda d: d.update(citaton="x"), "Did you mean 'citation'?"),
    "missing key": (lambda d: d.pop("licence"), "'licence' is missing"),
    "number for text": (lambda d: d.update(version=1997), "found 1997"),
    "text for number": (lambda d: d["ages"].update(low="4"), "a number"),
    "unknown word": (lambda d: d.update(respondent="carers"), "Did you mean 'carer'?"),
    "verification": (lambda d: d["recall"].update(verification="V3"), "V2, V1, mem, derived, own"),
    "list of codes": (lambda d: d["answers"].update(codes=[0, 1]), "a mapping of keys"),
    "id": (lambda d: d.update(id="SDQ_p"), "not kebab-case"),
    "item": (lambda d: scale(d, "peer")["items"].append(26), "no item '26'"),
    "item twice": (lambda d: scale(d, "peer")["items"].append(6), "listed twice"),
    "reverse": (lambda d: scale(d, "peer")["reverse"].append(7), "no item of this scale '7'"),
    "part": (lambda d: scale(d, "total")["of"].append("peeer"), "Did you mean 'peer'?"),
    "later part": (lambda d: d["scales"].reverse(), "no earlier scale 'emotional'"),
    "source": (lambda d: scale(d, "peer").update(sources=["sdqinf"]), "Did you mean 'sdqinfo'?"),
    "no source": (lambda d: scale(d, "peer").update(sources=[]), "marked V2 names no source"),
    "citation": (lambda d: d.update(citation="goodman-97"), "no source 'goodman-97'"),
    "default scale": (lambda d: d.update(default_scale="sum"), "no scale 'sum'"),
    "default bands": (lambda d: d.update(default_bands="six-band"), "no band system 'six-band'"),
    "min answered": (lambda d: scale(d, "peer")["missing"].update(min_answered=6), "1 to 5"),
    "prorating": (lambda d: scale(d, "peer").update(method="max"), "cannot prorate"),
    "needless key": (lambda d: scale(d, "peer").update(of=["emotional"]), "has no use for 'of'"),
    "no missing rule": (lambda d: scale(d, "peer").pop("missing"), "has no missing rule"),
    "unreachable range": (
        lambda d: scale(d, "peer").update(range=[0, 12]),
        "0 to 10, which the answers reach",
    ),
    "neither scored": (lambda d: scale(d, "peer")["items"].pop(), "neither scored nor"),
    "flag without limit": (
        lambda d: d.update(
            flags=[{"id": "x", "kind": "caution", "says": "y", "items": [1], "verification": "own"}]
        ),
        "exactly one limit",
    ),
    "kind": (lambda d: d.update(kind="score-only"), "is score-only"),
    "framework": (lambda d: d.update(kind="framework"), "has no items or scales"),
    "range": (lambda d: scale(d, "peer").update(range=[10, 0]), "does not rise"),
    "example length": (lambda d: d["examples"][0]["answers"].pop(), "has 24 answers"),
    "example scale": (lambda d: d["examples"][0]["scores"].update(sum=1), "no scale 'sum'"),
    "example band": (lambda d: d["examples"][0]["bands"].update(total="nrmal"), "'normal'?"),
    "wording": (lambda d: d["licence"].update(text_included=True), "may not be included"),
    "no example": (lambda d: d.update(examples=[]), "no worked example"),
}


@pytest.mark.parametrize(("change", "words"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_named(change, words):
    assert any(words in problem for problem in problems(change))


def test_every_fault_is_reported_at_once():
    def change(data):
        data["default_scale"] = "sum"
        scale(data, "peer")["items"].append(26)
        data["licence"]["text_included"] = True

    assert len(problems(change)) == 3


@pytest.mark.parametrize(
    ("high", "words"), [(12, "a gap"), (14, "an overlap")], ids=["gap", "overlap"]
)
def test_bands_meet_end_to_end(high, words):
    def change(data):
        scale(data, "total")["band_systems"][0]["bands"][0]["range"][1] = high

    assert any(words in problem for problem in problems(change))


def test_bands_span_the_range():
    def change(data):
        scale(data, "total")["band_systems"][0]["bands"].pop()

    assert any("do not span its range" in problem for problem in problems(change))


def test_a_table_covers_every_score():
    document = parse(read_texts("measures")["wellbeing/swemwbs.yaml"], "swemwbs.yaml")
    del document.data["scales"][1]["table"]["21"]
    with pytest.raises(InvalidContent, match="differ at 21"):
        build_measure(document.data, document.where)


def test_a_problem_names_file_and_line():
    line = TEXT.splitlines().index("default_bands: three-band") + 1
    document = parse(TEXT.replace("default_bands: three-band", "default_bands: four"), "sdq.yaml")
    with pytest.raises(InvalidContent, match=f"sdq.yaml, line {line}, key 'default_bands'"):
        build_measure(document.data, document.where)


@pytest.mark.parametrize("data", [None, [], "text", 3])
def test_what_is_no_mapping_is_refused(data):
    with pytest.raises(InvalidContent, match="keys and values"):
        build_measure(data, where)
