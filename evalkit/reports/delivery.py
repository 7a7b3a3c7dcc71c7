"""Tables of how delivery goes: who is reached and lost, how much is received, what is filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalkit.disclosure import HIDDEN, Count
from evalkit.reports import tables
from evalkit.reports.released import Released, part_of
from evalkit.reports.words import number, percent, who
from evalkit.wording import say

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.declared_theory import Activity


def reach_table(released: Released) -> tables.Table:
    """Return by role: people known, not reached and why, allocated by arm, and who took it up."""
    study = released.study
    people = study.intake.people
    names = study.evaluation.arm_names
    rows = []
    for role in study.evaluation.roles:
        shown = released.roles[role.id]
        cells = [count.text for _, count in (*shown.before, *shown.arms)]
        offered = people[
            (people["role"] == role.id) & people["entry"].isna() & (people["treated"] == 1)
        ]
        took = _taken_up(released, offered, shown.arms[0][1])
        rows.append((role.name or say(role.id), shown.total.text, *cells, took))
    head = ("Role", "People known", "Not eligible", "No consent", "Never allocated",
            *(f"In {name}" for name in names), f"Took up {names[0]}")  # fmt: skip
    return tables.Table("People by role", head, tuple(rows))


def _taken_up(released: Released, offered: pd.DataFrame, total: Count) -> str:
    if offered["received"].isna().all():
        return "not recorded"
    took = released.rules.of(part_of("took it up", offered[offered["received"] == 1]))
    missing = released.rules.of(part_of("not recorded", offered[offered["received"].isna()]))
    if took.hidden:
        return took.text
    beside = f"; not recorded {missing}" if missing.value else ""
    return f"{took} of {total} ({percent(took, total)}){beside}"


def lost_table(released: Released) -> tables.Table:
    """Return whom we lose and when: due, returned, and the reasons, by measure, wave and arm."""
    rows = []
    for flow in released.whole():
        for arm in flow.arms:
            due, back = arm.count("due"), arm.count("returned")
            reasons = [
                f"{text}: {count}"
                for item in arm.steps
                if item.step == "due"
                for text, count in item.left_out
            ]
            rows.append((
                say(flow.target.outcome.role), f"{flow.target.measure} ({who(flow.target.informant)})",
                say(flow.target.wave), arm.name, due.text, back.text, percent(back, due), "; ".join(reasons) or ("nobody" if released.rules.open else HIDDEN),
            ))  # fmt: skip
    head = ("Role", "Measure", "Wave", "Arm", "Due", "Returned", "Share", "Not returned, and why")
    return tables.Table("Due and returned, by measure and arm", head, tuple(dict.fromkeys(rows)))


def stayers_table(released: Released) -> tables.Table:
    """Return the first scores of those who came back beside those who did not."""
    study, rules = released.study, released.rules
    rows = []
    for target, followed in study.everyone:
        due = followed[
            followed["step"].isin(["due", "returned", "analysed"]) & followed["baseline"].notna()
        ]
        back = due["score"].notna()
        cells = []
        for group in (due[back], due[~back]):
            n, families = len(group), int(group["family"].nunique())
            hidden = rules.small(n, families)
            cells += [
                rules.count(n, families).text,
                tables.NOT_SHOWN if hidden else number(group["baseline"].mean()),
            ]
        rows.append(
            (
                say(target.outcome.role),
                f"{target.measure} ({who(target.informant)})",
                say(target.wave),
                *cells,
            )
        )
    head = (
        "Role",
        "Measure",
        "Wave",
        "Came back",
        "Their first score",
        "Did not",
        "Their first score ",
    )
    notes = (
        "Mean first scores, both arms together, of people due at the wave who had a first score.",
    )
    return tables.Table(
        "Who is lost: first scores of those who came back and those who did not",
        head,
        tuple(dict.fromkeys(rows)),
        notes,
    )


def dose_table(released: Released) -> tables.Table | None:
    """Return sessions attended against the least that counts, by activity and role."""
    study = released.study
    if study.evaluation.declared.data.flow.sessions is None:
        return None
    people = study.intake.people
    offered = people[people["entry"].isna() & (people["treated"] == 1)]
    rows = [
        _dose(released, activity, role, offered[offered["role"] == role])
        for activity in study.evaluation.declared.logic_model.activities if activity.dose
        for role in activity.roles
    ]  # fmt: skip
    if not rows:
        return None
    head = (
        "Activity",
        "Role",
        "Offered",
        "Least that counts",
        "People recorded",
        "Reached the least",
        "Middle number of sessions",
        "Not recorded",
    )
    notes = (
        "One count of sessions a person is recorded; it is read against each activity for their role.",
    )
    return tables.Table("Dose: how much people received", head, tuple(rows), notes)


def _dose(
    released: Released, activity: Activity, role: str, people: pd.DataFrame
) -> tuple[str, ...]:
    assert activity.dose is not None
    rules = released.rules
    known = people[people["sessions"].notna()]
    enough = rules.of(part_of("enough", known[known["sessions"] >= activity.dose.minimum]))
    count = rules.of(part_of("known", known))
    missing = rules.of(part_of("not recorded", people[people["sessions"].isna()]))
    share = enough.text if enough.hidden else f"{enough} ({percent(enough, count)})"
    shown = not count.hidden and len(known)
    middle = number(known["sessions"].median(), 0) if shown else tables.NOT_SHOWN
    dose = (str(activity.dose.offered), str(activity.dose.minimum))
    return (activity.name, say(role), *dose, count.text, share, middle, missing.text)


def completeness_table(released: Released) -> tables.Table | None:
    """Return how completely the questionnaires that came back were filled in."""
    study, rules = released.study, released.rules
    scores = study.intake.scores
    people = study.intake.people
    rows = []
    for measure in dict.fromkeys(scores.loc[scores["n_items"].notna(), "measure"]):
        spec = study.evaluation.measure(measure)
        sets = scores[(scores["measure"] == measure) & (scores["scale"] == spec.default_scale)]
        sets = sets.assign(family=sets["person"].map(people["family"]))
        for wave in (w.id for w in study.evaluation.waves):
            mine = sets[sets["wave"] == wave]
            if mine.empty:
                continue
            full = mine["n_answered"] == mine["n_items"]
            blank = mine["n_answered"] == 0
            usable = ~full & ~blank & mine["score"].notna()
            lacking = ~full & ~blank & mine["score"].isna()
            total = rules.of(part_of("all", mine))
            complete = rules.of(part_of("full", mine[full]))
            cells = [rules.of(part_of("", mine[which])).text for which in (usable, lacking, blank)]
            rows.append(
                (
                    spec.title,
                    say(wave),
                    total.text,
                    f"{complete} ({percent(complete, total)})",
                    *cells,
                )
            )
    if not rows:
        return None
    head = (
        "Measure",
        "Wave",
        "Questionnaires",
        "Every item answered",
        "Some missing, scored",
        "Too few to score",
        "All blank",
    )
    return tables.Table("How completely questionnaires are filled in", head, tuple(rows))
