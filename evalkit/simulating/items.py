"""Item answers of made people: graded from one latent severity, turned as the scales turn them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from evalkit.instruments.parts import Item
    from evalkit.instruments.scale import Scale
    from evalkit.instruments.spec import Measure

    Floats = npt.NDArray[np.float64]

LOADING = 0.7
"""How far an item answer reflects what its measure measures: the correlation before it is graded."""
EASE = 0.5
"""Items of a measure differ by so many SDs, up and down, in how readily they are agreed with."""
PROBED, LEAST = 200, 0.4
"""Whether a score follows is tried on so many people; it does where it correlates more than this."""


def item_answers(measure: Measure, scale: str, how: Floats, noise: Floats) -> Floats:
    """Return graded answers, people x items: each reflects how they are, turned as its scale says."""
    import numpy as np
    from scipy.special import ndtr

    turned = directions(measure, scale)
    asked = asked_for(measure, scale)
    count = len(asked)
    ease = np.linspace(-EASE, EASE, count) if count > 1 else np.zeros(1)
    loading = LOADING * np.array([turned.get(item.id, 0) for item in asked])
    leaning = how[:, None] * loading + np.sqrt(1 - LOADING**2) * noise + ease
    shares = ndtr(leaning / np.sqrt(1 + np.var(ease)))
    graded = [_graded(item, shares[:, k]) for k, item in enumerate(asked)]
    return np.column_stack(graded)


def asked_for(measure: Measure, scale: str) -> tuple[Item, ...]:
    """Return the items that are always asked, and the optional ones that a scale rests on."""
    needed = {item for item, _ in _leaves(measure, measure.scale(scale), 1)}
    return tuple(item for item in measure.items if not item.optional or item.id in needed)


def _graded(item: Item, share: Floats) -> Floats:
    import numpy as np

    if item.range is None:
        codes = np.sort(np.array([code for code, _ in item.codes], dtype=float))
        return np.asarray(codes[np.minimum((share * len(codes)).astype(int), len(codes) - 1)])
    step = item.step or 0.01
    most = np.floor((item.high - item.low) / step)
    return np.asarray(item.low + step * np.round(share * most))


def directions(measure: Measure, scale: str) -> dict[str, int]:
    """Return for each item 1 where a higher answer is better and -1 where it is worse.

    The scale of the outcome decides; items outside it follow their own.
    """
    found: dict[str, int] = {}
    ordered = [measure.scale(scale), *(s for s in measure.scales if s.id != scale)]
    for one in ordered:
        if one.higher_is_better is not None:
            for item, sign in _leaves(measure, one, 1 if one.higher_is_better else -1):
                found.setdefault(item, sign)
    for asked in measure.items:
        if asked.polarity is not None:
            found.setdefault(asked.id, 1 if asked.polarity == "positive" else -1)
    return found


def _leaves(measure: Measure, scale: Scale, sign: int) -> Iterable[tuple[str, int]]:
    weights = dict(scale.weights)
    falling = len(scale.recode) > 1 and scale.recode[0][1] > scale.recode[-1][1]
    for item in scale.items or tuple(weights if not scale.of else ()):
        turn = (item in scale.reverse) != falling
        yield item, (-sign if turn else sign) * (-1 if weights.get(item, 1) < 0 else 1)
    for part in scale.of:
        inner = sign * (-1 if weights.get(part, 1) < 0 else 1)
        if scale.table and scale.table[0][1] > scale.table[-1][1]:
            inner = -inner
        yield from _leaves(measure, measure.scale(part), inner)


def scored_items(measure: Measure, answers: Floats, shown: str, scale: str) -> Floats:
    """Return the declared score of complete item answers, which were made for the scale `shown`."""
    import numpy as np
    import pandas as pd

    from evalkit.scoring import score

    names = [item.id for item in asked_for(measure, shown)]
    frame: pd.DataFrame = pd.DataFrame(answers, columns=names)
    scores = score(frame, measure, items={name: name for name in names}, bands="none")
    column = measure.score_column(scale)
    if column not in scores:
        return np.full(len(frame), np.nan)
    return np.asarray(scores[column].to_numpy(dtype=float))


def follows(measure: Measure, shown: str, scale: str) -> bool:
    """Whether the score of graded answers rises and falls with how people are.

    Scores that need more than the answers (sex, another table), or in which one code means something
    of its own, do not.
    """
    import numpy as np

    rng = np.random.default_rng(0)
    how = np.linspace(-2, 2, PROBED)
    noise = rng.standard_normal((PROBED, len(asked_for(measure, shown))))
    found = scored_items(measure, item_answers(measure, shown, how, noise), shown, scale)
    if np.isnan(found).any() or np.ptp(found) == 0:
        return False
    turn = 1 if measure.scale(scale).higher_is_better else -1
    return bool(np.corrcoef(how, turn * found)[0, 1] > LEAST)
