"""The registry finds, reads one file at a time, and keeps."""

import importlib.resources
import zipfile

import pytest

from evalkit import content
from evalkit.content import read_texts, registry_from_texts, shipped_registry
from evalkit.errors import InvalidContent, UnknownDesign, UnknownMeasure
from evalkit.registry import Registry
from evalkit.scoring.methods import METHODS

SHIPPED = shipped_registry()
NAMES = {name.rsplit("/", 1)[-1].removesuffix(".yaml"): name for name in read_texts("measures")}
TEXT = read_texts("measures")["wellbeing/bdi-ii.yaml"]


def test_every_method_a_file_may_name_can_be_run():
    from typing import get_args

    from evalkit.instruments.scale import Method

    assert set(get_args(Method)) == {*METHODS, "given"}


def test_ids_are_sorted_and_unknown_ids_are_refused_with_a_near_match():
    assert SHIPPED.measures() == sorted(SHIPPED.measures())
    with pytest.raises(UnknownMeasure, match="Did you mean 'sdq-parent-4-17'") as raised:
        SHIPPED.measure("sdq-parents-4-17")
    assert "`evalkit measures list` shows all" in str(raised.value)
    assert "sdq-self-11-17" in str(raised.value) and "bdi-ii" not in str(raised.value)
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
