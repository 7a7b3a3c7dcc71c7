"""What came back item by item: blanks and their reasons, patterns over waves, and careless answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalkit.errors import CannotEstimate, InvalidInput
from evalkit.results import Record, by_name
from evalkit.returns import NOT_ANSWERED

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.instruments.spec import Measure
    from evalkit.returns import ItemAnswers
    from evalkit.study import Study
    from evalkit.targets import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemBlanks(Record):
    """How many of the answer sets that came back left an item blank, and the reasons noted.

    `families` are those that the sets come from, `families_blank` those of the blanks. `reasons` are
    (reason, sets) pairs that add up to `blank`; a blank without a reason is
    "no answer returned".
    """

    measure: str
    wave: str
    informant: str
    item: str
    sets: int
    families: int
    blank: int
    families_blank: int
    share: float | None
    reasons: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CarelessAnswers(Record):
    """Answer sets that look careless: the same answer to items that point both ways, or too fast.

    Flags are for a closer look; nobody is left out for one. `judged` could be looked at.
    """

    measure: str
    wave: str
    informant: str
    sign: str
    sets: int
    judged: int
    flagged: int
    families_flagged: int
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveGaps(Record):
    """How the scores of one outcome run over the waves that were due, by arm.

    `kind` is "complete", "monotone" (there until some wave, then gone), "intermittent" (away and back)
    or "never".
    """

    outcome: str
    informant: str
    contrast: str | None
    arm: str
    kind: str
    n: int
    families: int
    share: float | None


def item_blanks(study: Study) -> tuple[ItemBlanks, ...]:
    """Return for every measure, wave and informant how often each item was left blank, and why."""
    rows: list[ItemBlanks] = []
    for table in study.intake.answers:
        back = table.items.notna().any(axis=1)
        groups = table.keys[back].groupby(["wave", "informant"], sort=False).groups
        family = table.keys["person"].map(study.intake.people["family"])
        for (wave, informant), index in groups.items():
            mine, of = table.items.loc[index].isna(), family.loc[index]
            for item in table.items:
                key = (str(wave), str(informant), str(item))
                rows.append(_blanks(table, key, mine[item], of, int(of.nunique())))
    return tuple(rows)


def _blanks(
    table: ItemAnswers, key: tuple[str, str, str], blank: Any, family: Any, families: int
) -> ItemBlanks:
    wave, informant, item = key
    why = table.why.loc[blank.index[blank], item].fillna(NOT_ANSWERED).value_counts().sort_index()
    return ItemBlanks(
        measure=table.measure, wave=wave, informant=informant, item=item, sets=len(blank),
        families=families, blank=int(blank.sum()),
        families_blank=int(family[blank].nunique()), share=float(blank.mean()) if len(blank) else None,
        reasons=by_name({str(reason): int(n) for reason, n in why.items()}),
    )  # fmt: skip


def careless_answers(study: Study) -> tuple[CarelessAnswers, ...]:
    """Return how many answer sets look careless, by measure, wave and informant.

    Straight lines are looked for where a scale of the measure has items that point both ways and
    answers of one range; haste where the data say how long an answer took.
    """
    rows: list[CarelessAnswers] = []
    for table in study.intake.answers:
        measure = study.evaluation.measure(table.measure)
        for (wave, informant), index in table.keys.groupby(
            ["wave", "informant"], sort=False
        ).groups.items():
            mine = table.items.loc[index]
            for sign, found in _signs(measure, mine, table.seconds.loc[index]):
                rows.append(CarelessAnswers(
                    measure=table.measure, wave=str(wave), informant=str(informant), sign=sign,
                    sets=found.n_rows, judged=found.n_judged, flagged=found.n_flagged,
                    families_flagged=_families(study, table, index, found), rule=found.rule,
                ))  # fmt: skip
    return tuple(rows)


def _families(study: Study, table: ItemAnswers, index: Any, found: Any) -> int:
    flagged = found.people["flagged"].to_numpy(dtype=object) == True  # noqa: E712
    people = table.keys.loc[index, "person"][flagged]
    return int(people.map(study.intake.people["family"]).nunique())


def _signs(
    measure: Measure, items: pd.DataFrame, seconds: pd.Series[float]
) -> list[tuple[str, Any]]:
    from evalkit import stats

    found: list[tuple[str, Any]] = []
    both = _two_ways(measure)
    if both:
        columns, turned = both
        try:
            flags = stats.straight_lining(items[columns], reverse=turned)
            found.append(("the same answer throughout", flags))
        except (CannotEstimate, InvalidInput):
            pass
    if seconds.notna().any():
        timed = seconds.where(seconds > 0)
        flags = stats.fast_answers(timed, items.notna().sum(axis=1))
        found.append(("answered faster than it can be read", flags))
    return found


def _two_ways(measure: Measure) -> tuple[list[str], list[str]] | None:
    """Return the scored items that share a range, and those of them that some scale turns round."""
    ranges = {item.id: (item.low, item.high) for item in measure.items}
    scored = dict.fromkeys(item for scale in measure.scales for item in scale.items)
    by_range: dict[object, list[str]] = {}
    for item in scored:
        if item in ranges:
            by_range.setdefault(ranges[item], []).append(item)
    items = max(by_range.values(), key=len, default=[])
    turned = [item for item in items if any(item in scale.reverse for scale in measure.scales)]
    return (items, turned) if 0 < len(turned) < len(items) else None


def wave_gaps(study: Study) -> tuple[WaveGaps, ...]:
    """Return how each outcome's scores run over its waves, among those due at all of them, by arm."""
    from evalkit import stats

    by_series: dict[tuple[str | None, ...], list[tuple[Target, pd.DataFrame]]] = {}
    for target, trail in study.trails:
        by_series.setdefault((target.outcome.id, target.informant, target.key[3]), []).append(
            (target, trail)
        )
    rows: list[WaveGaps] = []
    for (outcome, informant, contrast), series in by_series.items():
        frame = _scores_by_wave(series)
        if frame.shape[1] < 4 or frame.empty:
            continue
        waves = [str(name) for name in frame if name not in ("treated", "family")]
        found = stats.wave_patterns(frame, waves=waves, treatment="treated")
        kinds = found.people["kind"].to_numpy(dtype=object)
        rows += [
            WaveGaps(outcome=str(outcome), informant=str(informant), contrast=contrast,
                     arm=str(row["arm"]), kind=str(row["kind"]), n=int(row["n"]),
                     families=_of_kind(frame, kinds, row), share=float(row["share"]))
            for row in found.counts.to_dict("records")
        ]  # fmt: skip
    return tuple(rows)


def _of_kind(frame: pd.DataFrame, kinds: Any, row: dict[Any, Any]) -> int:
    """Return how many families the people of a kind, in an arm or in all, come from."""
    value = {"treatment": 1.0, "comparison": 0.0}.get(str(row["arm"]))
    mine = (kinds == row["kind"]) & (
        True if value is None else frame["treated"].to_numpy() == value
    )
    return int(frame["family"][mine].nunique())


def _scores_by_wave(series: list[tuple[Target, pd.DataFrame]]) -> pd.DataFrame:
    """Return the first score and the points at each wave of those due at every one."""
    from evalkit.flow import TO_FOLLOW

    first = series[0][1]
    frame = first[["person", "family", "treated", "baseline"]].set_index("person")
    due = frame["treated"].notna()
    for target, trail in series:
        by_person = trail.set_index("person")
        frame[target.wave] = by_person["points"]
        due &= by_person["step"].isin(TO_FOLLOW)
    return frame[due]
