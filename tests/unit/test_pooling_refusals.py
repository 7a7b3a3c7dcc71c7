"""What pooling over imputations refuses, and what it says when it does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from evalkit.errors import CannotEstimate, InvalidInput
from evalkit.stats.imputing.pooled_tests import pool_joint, pool_likelihoods, pool_statistics
from evalkit.stats.imputing.pooling import pool
from evalkit.stats.imputing.pooling_scales import pool_correlation, pool_proportion, pool_ratio

TWO = [1.0, 2.0]
EYE = np.repeat(np.eye(2)[None], 4, axis=0)
ROWS = np.arange(8.0).reshape(4, 2)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: pool(TWO, [1.0]), "2 estimates and 1 standard errors"),
        (lambda: pool(TWO, [1.0, -1.0]), "negative"),
        (lambda: pool([1.0, None], TWO), "estimates lacks 1 of 2, the first of imputation 2"),
        (lambda: pool(TWO, [np.nan, 1.0]), "std_errors lacks 1 of 2"),
        (lambda: pool(["a", "b"], TWO), "numbers"),
        (lambda: pool([1.0, np.inf], TWO), "infinite"),
        (lambda: pool(TWO, TWO, df_complete=0), "df_complete=0"),
        (lambda: pool(TWO, TWO, df_complete=[]), "df_complete"),
        (lambda: pool(TWO, TWO, df_complete=float("nan")), "df_complete"),
        (lambda: pool(TWO, TWO, level=95), "level=95"),
        (lambda: pool_ratio([0.0, 1.0], TWO), "above zero"),
        (lambda: pool_correlation([1.0, 0.2], 30), "between -1 and 1"),
        (lambda: pool_correlation([0.1, 0.2], 3), "4 or more"),
        (lambda: pool_correlation([0.1, 0.2], [30, 30, 30]), "n has 3 values for 2"),
        (lambda: pool_proportion([0.1, 1.2], 30), "shares from 0 to 1"),
        (lambda: pool_proportion([0.0, 0.2], 30, method="logit"), 'method="wilson"'),
        (lambda: pool_proportion([0.1, 0.2], 30, method="wald"), "wilson, logit"),
        (lambda: pool_proportion([0.1, 0.2], 0), "1 or more"),
        (lambda: pool_joint(ROWS, EYE[:3]), "imputations x parameters"),
        (lambda: pool_joint([1.0, 2.0], [1.0, 2.0]), "imputations x parameters"),
        (lambda: pool_joint([["a"], ["b"]], [[[1]], [[1]]]), "arrays of numbers"),
        (lambda: pool_joint(ROWS * np.nan, EYE), "finite numbers"),
        (lambda: pool_joint(ROWS, np.add(EYE, [[0, 1], [0, 0]])), "symmetric"),
        (lambda: pool_joint(ROWS, -EYE), "no negative variance"),
        (lambda: pool_statistics([1.0, -2.0], parameters=1), "zero or more"),
        (lambda: pool_statistics(TWO, parameters=0), "whole number from 1"),
        (lambda: pool_statistics(TWO, parameters=1.5), "whole number from 1"),
        (lambda: pool_statistics(TWO, parameters=True), "whole number from 1"),
        (lambda: pool_likelihoods(TWO, [1.0], parameters=1), "2 statistics and 1 at the average"),
        (lambda: pool_likelihoods([-1.0, 1.0], TWO, parameters=1), "never fits worse"),
    ],
)
def test_input_that_cannot_be_pooled(call: Any, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        call()
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "call",
    [
        lambda: pool([1.0], [1.0]),
        lambda: pool([], []),
        lambda: pool_ratio([1.0], [1.0]),
        lambda: pool_correlation([0.5], 30),
        lambda: pool_proportion([0.5], 30),
        lambda: pool_joint([[1.0, 2.0]], EYE[:1]),
        lambda: pool_statistics([3.0], parameters=1),
        lambda: pool_likelihoods([3.0], [3.0], parameters=1),
    ],
)
def test_one_imputation_has_no_variance_between(call: Any) -> None:
    with pytest.raises(CannotEstimate, match=r"between imputations cannot be told.*20 times"):
        call()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: pool(TWO, [0.0, 0.0]), "no uncertainty"),
        (lambda: pool([0.0, 1e10], [1e-3, 1e-3], df_complete=20), "no uncertainty"),
        (lambda: pool(TWO, [1e200, 1.0]), "too large to square"),
        (lambda: pool([1e200, -1e200], TWO), "too large to square"),
        (lambda: pool_proportion([0.0, 1.0], 30), "decides everything"),
        (lambda: pool_joint(ROWS, EYE * 0 + 1), "cannot be inverted"),
        (lambda: pool_joint(ROWS[:3], EYE[:3], df_complete=50), "at least 5"),
        (lambda: pool_joint(ROWS, EYE, df_complete=5), "too few"),
    ],
)
def test_numbers_that_cannot_carry_an_answer(call: Any, said: str) -> None:
    with pytest.raises(CannotEstimate) as caught:
        call()
    assert said in str(caught.value)


def test_few_imputations_are_said() -> None:
    found = pool([1.0, 3.0, 2.0], [0.5, 0.5, 0.5])
    assert any("are advised" in note for note in found.notes)
    assert any("degrees of freedom" in note for note in found.notes)
    assert found.to_frame().shape[0] == 1
