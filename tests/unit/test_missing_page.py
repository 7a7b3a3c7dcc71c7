"""Every block of docs/missing.md is a valid part of an evaluation, or runs."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

import evalkit as ek
from evalkit.files.strict_yaml import parse
from evalkit.shapes import as_tuples
from tests.conftest import ROOT, declare, evaluate, study_of
from tests.unit.test_sensitivity import people

PAGE = (ROOT / "docs" / "missing.md").read_text(encoding="utf-8")
YAML = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
PYTHON = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.mark.parametrize("text", YAML, ids=lambda text: text.split("\n")[1].strip()[:40])
def test_a_block_of_the_page(text: str) -> None:
    document = parse(text, "missing.md")
    assert document.problems == ()
    assert evaluate(declare(**dict(as_tuples(document.data)))).targets()


def test_the_plan_of_the_page_runs() -> None:
    (text,) = (block for block in YAML if "auxiliary" in block)
    made = declare(**dict(as_tuples(parse(text, "missing.md").data)))
    made["analysis"]["missing"]["imputations"] = 3
    found = study_of(made, *people()).analyse()
    assert all(row.reading != "not-estimated" or row.curve for row in found.sensitivity)


def answered() -> pd.DataFrame:
    """Return answers of 40 people at two waves with blanks here and there."""
    rng = np.random.default_rng(1)
    rows = []
    for n in range(40):
        for wave in ("baseline", "end"):
            given = dict(enumerate(rng.integers(1, 6, 7), start=1))
            marks = {
                f"swemwbs_{k}": float(v) if rng.random() > 0.1 else np.nan for k, v in given.items()
            }
            rows.append({
                "person": f"p{n}", "wave": wave, "arm": "programme" if n % 2 else "usual", **marks,
            })  # fmt: skip
    return pd.DataFrame(rows)


@pytest.mark.parametrize("code", PYTHON, ids=range(len(PYTHON)))
def test_a_program_of_the_page_runs(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    made = declare(analysis__missing={"imputations": 3})
    names: dict[str, Any] = {"study": study_of(made, *people()), "answers": answered(), "ek": ek}
    exec(code, names)
    assert capsys.readouterr().out


def test_every_treatment_and_strategy_is_on_the_page() -> None:
    from typing import get_args

    from evalkit.declared_plan import MissingMethod, ReferenceStrategy

    for name in (*get_args(MissingMethod), *get_args(ReferenceStrategy)):
        assert f"`{name}`" in PAGE
    assert len(YAML) == 6 and len(PYTHON) == 3
