"""Strict YAML: words stay words, every problem has a line, and nothing makes it fall over."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.files.strict_yaml import parse, plain_value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("No", "No"),
        ("yes", "yes"),
        ("off", "off"),
        ("None", "None"),
        ("010", "010"),
        ("007", "007"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("0x1F", "0x1F"),
        (".nan", ".nan"),
        (".inf", ".inf"),
        ("1e999", "1e999"),
        ("True", "True"),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("10", 10),
        ("-2", -2),
        ("0.5", 0.5),
        ("1e3", 1000.0),
        ("2024-02-29", datetime.date(2024, 2, 29)),
        ("2023-02-29", "2023-02-29"),
        ("'2024-02-29'", "2024-02-29"),
        ('"10"', "10"),
    ],
)
def test_a_value_is_read_as_it_was_written(text: str, value: object) -> None:
    found = parse(f"key: {text}", "f.yaml")
    assert found.problems == ()
    assert found.data == {"key": value}
    assert type(found.data["key"]) is type(value)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a: 1\nb: 2\na: 3", 3, "the key 'a' is repeated (first on line 1)"),
        ("a: {b: 1, b: 2}", 1, "the key 'b' is repeated"),
        ("a: &x 1\nb: *x", 1, "anchors and aliases"),
        ("a: !!python/object:os.system x", 1, "the tag"),
        ("a: 1\n\tb: 2", 2, "tab"),
        ("a: [1, 2\n", 2, "not valid YAML"),
        ('a: "x\n', 2, "not valid YAML"),
        ("? [a]\n: b", 1, "a key must be a single word"),
        ("a: 1\n---\nb: 2\n", 2, "not valid YAML"),
        ("a: b: c\n", 1, "not valid YAML"),
    ],
)
def test_a_fault_is_named_with_its_line(text: str, line: int, says: str) -> None:
    problems = parse(text, "f.yaml").problems
    assert says in problems[0].what
    assert problems[0].where.line == line
    assert problems[0].where.file == "f.yaml"


def test_every_fault_is_found_at_once() -> None:
    problems = parse("a: 1\na: 2\nb: &x 1\nc: !!int 2\nd: !foo 3", "f").problems
    assert [problem.where.line for problem in problems] == [2, 3, 5]


@pytest.mark.parametrize("text", ["[" * 1500, "{" * 1500, "- " * 1500, "a: " + "[" * 40 + "]" * 40])
def test_deep_nesting_is_refused_and_not_followed(text: str) -> None:
    assert "nested deeper" in parse(text, "f").problems[0].what


def test_large_files_and_null_bytes_are_refused() -> None:
    assert "larger than 1 MB" in parse("a" * 1_000_001, "f").problems[0].what
    assert "null bytes" in parse("a: \x00", "f").problems[0].what


def test_a_path_has_the_line_of_its_nearest_parent() -> None:
    found = parse("a:\n  b:\n    - 1\n    - c: 2\n", "f")
    assert found.where(("a", "b", 1, "c")).line == 4
    assert found.where(("a", "b", 1, "missing")).line == 4
    assert found.where(("a", "b", 1, "c")).key == "a.b.1.c"


@settings(deadline=None, max_examples=150)
@given(st.text(alphabet=" \t\n:-[]{}\"'&*!|>%#?,ab1\x07é", max_size=40))
def test_no_text_makes_it_raise(text: str) -> None:
    found = parse(text, "f")
    assert found.data is None or not found.problems or all(p.what for p in found.problems)


@settings(deadline=None, max_examples=100)
@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_numbers_come_back(number: float) -> None:
    assert plain_value(repr(number)) == number
