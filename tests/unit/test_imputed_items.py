"""Items imputed, scored and pooled in one call."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import evalkit as ek
from evalkit.errors import CannotEstimate, EvalkitError, InvalidInput

ITEMS = [f"swemwbs_{k}" for k in range(1, 8)]
HOW: dict[str, Any] = {"person": "person", "wave": "wave", "by": "arm", "m": 3, "iterations": 2}


def answers(n: int = 40, blank: float = 0.1) -> pd.DataFrame:
    """Return answers at two waves that hang together, with blanks."""
    rng = np.random.default_rng(5)
    rows = []
    for k in range(n):
        level = rng.normal(3, 0.8)
        for wave in ("baseline", "end"):
            marks = np.clip(np.round(level + rng.normal(0, 0.7, 7)), 1, 5)
            rows.append([f"p{k}", wave, "programme" if k % 2 else "usual", f"f{k // 2}", *marks])
    frame = pd.DataFrame(rows, columns=["person", "wave", "arm", "family", *ITEMS])
    frame[ITEMS] = frame[ITEMS].mask(rng.random((len(frame), 7)) < blank)
    return frame


def difference(frame: pd.DataFrame) -> ek.Estimate:
    end = frame[frame["wave"] == "end"]
    return ek.stats.mean_difference(
        end, outcome="swemwbs__metric", treatment="arm", treated="programme"
    )


def test_rows_stay_as_they_came_and_items_stay_in_range() -> None:
    frame = answers().sample(frac=1, random_state=1)
    before = frame.copy()
    found = ek.impute_items(frame, "swemwbs", seed=1, **HOW)
    pd.testing.assert_frame_equal(frame, before)
    assert len(found.frames) == 3
    for one in found.frames:
        assert list(one["person"]) == list(frame["person"])
        assert one[ITEMS].isin([1, 2, 3, 4, 5]).all().all()
        known = before[ITEMS].notna().to_numpy()
        assert (one[ITEMS].to_numpy()[known] == before[ITEMS].to_numpy()[known]).all()
        again = ek.score(one[["person", *ITEMS]], "swemwbs")["swemwbs__metric"]
        assert (again.to_numpy() == one["swemwbs__metric"].to_numpy()).all()
    assert sum(found.counts.values()) == before[ITEMS].isna().sum().sum()


def test_pooling_and_what_the_rule_for_blanks_changes() -> None:
    found = ek.impute_items(answers(), "swemwbs", seed=1, **HOW)
    each = [difference(one) for one in found.frames]
    values, errors = [float(e.estimate or 0) for e in each], [float(e.std_error or 0) for e in each]
    pooled = found.pool(difference)
    by_hand = ek.stats.pool(values, errors, df_complete=min(float(e.df or 0) for e in each))
    assert pooled.estimate == pytest.approx(by_hand.estimate, rel=1e-12)
    assert pooled.conf_high == pytest.approx(by_hand.conf_high, rel=1e-12)
    rows = {row.method: row for row in found.compare(difference)}
    assert rows["items imputed"].n == 40 > rows["all items answered"].n
    assert rows["items imputed"].fmi is not None


def test_the_seed_decides_and_workers_do_not() -> None:
    one = ek.impute_items(answers(), "swemwbs", seed=1, **HOW)
    two = ek.impute_items(answers(), "swemwbs", seed=1, workers=2, **HOW)
    other = ek.impute_items(answers(), "swemwbs", seed=2, **HOW)
    for a, b in zip(one.frames, two.frames, strict=True):
        pd.testing.assert_frame_equal(a, b)
    assert not one.frames[0][ITEMS].equals(other.frames[0][ITEMS])


def test_one_wave_families_and_nothing_missing() -> None:
    end = answers()[lambda frame: frame["wave"] == "end"]
    how = HOW | {"wave": None, "cluster": "family"}
    assert len(ek.impute_items(end, "swemwbs", seed=1, **how).frames) == 3
    full = answers(blank=0.0)
    found = ek.impute_items(full, "swemwbs", seed=1, **HOW)
    assert not any(found.counts.values())
    assert found.pool(difference).estimate == pytest.approx(difference(found.observed).estimate)


def broken(**columns: Any) -> pd.DataFrame:
    return answers().assign(**columns)


@pytest.mark.parametrize(
    ("frame", "changes", "said"),
    [
        (answers(), {"m": 0}, "m=0"),
        (answers(), {"by": "nowhere"}, "nowhere"),
        (answers().iloc[[0, 0, 1, 2]], {}, "twice"),
        (broken(arm=np.arange(80) % 2), {}, "one value"),
        (broken(swemwbs_3=9.0), {}, "the answer is 9"),
    ],
    ids=["no copy", "no column", "twice", "arm changes", "out of range"],
)
def test_what_is_refused(frame: pd.DataFrame, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(EvalkitError, match=said):
        ek.impute_items(frame, "swemwbs", seed=1, **(HOW | changes))


def test_one_copy_is_made_and_not_pooled() -> None:
    found = ek.impute_items(answers(), "swemwbs", seed=1, **(HOW | {"m": 1}))
    assert len(found.frames) == 1
    with pytest.raises(CannotEstimate, match="at least 2"):
        found.pool(difference)


def test_an_answer_that_is_taken_as_missing_is_imputed_and_never_handed_on() -> None:
    frame = answers()
    frame.loc[0, "swemwbs_3"], frame.loc[4:20, "swemwbs_3"] = 9.0, np.nan
    found = ek.impute_items(frame, "swemwbs", seed=1, on_invalid="missing", **HOW)
    for one in found.frames:
        assert one["swemwbs_3"].max() <= 5 and one["swemwbs__metric"].notna().all()
    assert not found.whole[0]


def test_an_item_that_nobody_of_an_arm_answered() -> None:
    frame = answers()
    frame.loc[(frame["arm"] == "usual") & (frame["wave"] == "end"), "swemwbs_3"] = np.nan
    with pytest.raises((CannotEstimate, InvalidInput), match="swemwbs_3"):
        ek.impute_items(frame, "swemwbs", seed=1, **HOW)
