"""The allocation log: derived again by code of its own, bent in every way, and read by an attacker.

What is derived here uses hashlib, hmac and json alone.
"""

from __future__ import annotations

import hmac
import json
import random
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from hashlib import sha256
from itertools import combinations
from typing import Any

import pytest

from evalkit.allocation.check import read_log, verify
from evalkit.allocation.log import Log, add, begin, close
from evalkit.allocation.rule import METHODS, Enrolled, make_rule
from evalkit.allocation.seal import can_be_guessed
from evalkit.errors import InvalidInput

SEED = sha256(b"a seed for tests").hexdigest()
DAY = "2026-01-05"


def people(n: int, *, strata: int = 1) -> list[Enrolled]:
    """Return units with a site each, of three, and further values."""
    return [
        Enrolled(f"u{k}", "", tuple(f"s{k * (place + 2) % 3}" for place in range(strata)))
        for k in range(n)
    ]


def open_log(n: int = 30, *, seed: str = SEED, **rule: Any) -> Log:
    rule = {"strata": ("site",), "block": (4, 6)} | rule
    made = make_rule(**rule)
    return add(begin(made, seed, open=True, date=DAY), people(n, strata=len(made.strata)), seed, date=DAY)  # fmt: skip


def closed_log(n: int = 30, **rule: Any) -> Log:
    return close(open_log(n, **rule), SEED, date=DAY)


# Derived again


def own_key(*parts: Any) -> str:
    return sha256("|".join(map(str, parts)).encode()).hexdigest()


def own_share(digest: str) -> Fraction:
    return Fraction(int(digest[:13], 16), 16**13)


def own_pick(u: Fraction, weights: list[Fraction]) -> int:
    total, edge = sum(weights), Fraction(0)
    for arm, weight in enumerate(weights):
        edge += weight / total
        if u < edge:
            return arm
    return len(weights) - 1


def own_blocks(rule: dict[str, Any], strata: list[str], seed: str) -> list[str]:
    queue: dict[str, list[str]] = {}
    number: Counter[str] = Counter()
    out = []
    for stratum in strata:
        if not queue.get(stratum):
            number[stratum] += 1
            size = rule["block"][
                int(own_key(seed, stratum, number[stratum], "size"), 16) % len(rule["block"])
            ]
            times = size // sum(rule["ratio"])
            labels = [a for a, r in zip(rule["arms"], rule["ratio"], strict=True) for _ in range(r * times)]  # fmt: skip
            keyed = [(own_key(seed, stratum, number[stratum], i), a) for i, a in enumerate(labels)]
            queue[stratum] = [arm for _, arm in sorted(keyed)]
        out.append(queue[stratum].pop(0))
    return out


def own_simple(rule: dict[str, Any], strata: list[str], seed: str) -> list[str]:
    count: Counter[str] = Counter()
    out = []
    for stratum in strata:
        u = own_share(own_key(seed, stratum, "simple", count[stratum]))
        count[stratum] += 1
        out.append(rule["arms"][own_pick(u, [Fraction(r) for r in rule["ratio"]])])
    return out


def own_minimise(rule: dict[str, Any], values: list[list[str]], seed: str) -> list[str]:
    arms, ratio, p = rule["arms"], rule["ratio"], Fraction(str(rule["probability"]))
    count: Counter[tuple[int, str, int]] = Counter()
    out = []
    for n, row in enumerate(values):
        left = []
        for new in range(len(arms)):
            total = Fraction(0)
            for factor, level in enumerate(row):
                shares = [Fraction(count[factor, level, a] + (a == new), ratio[a]) for a in range(len(arms))]  # fmt: skip
                total += max(shares) - min(shares)
            left.append(total if n else Fraction(0))
        best = [a for a in range(len(arms)) if left[a] == min(left)]
        rest = [a for a in range(len(arms)) if a not in best]
        weights = [Fraction(0)] * len(arms)
        for group, part in ((best, p if rest else Fraction(1)), (rest, 1 - p)):
            for a in group:
                weights[a] = part * Fraction(ratio[a], sum(ratio[b] for b in group))
        arm = own_pick(own_share(own_key(seed, "all", "minimise", n)), weights)
        for factor, level in enumerate(row):
            count[factor, level, arm] += 1
        out.append(arms[arm])
    return out


def own_constrained(rule: dict[str, Any], values: list[list[str]], seed: str) -> list[str]:
    n = len(values)
    treated = n * rule["ratio"][0] // sum(rule["ratio"])
    columns = [[Fraction(v) for v in column] for column in zip(*values, strict=True)]
    centred = [[v - sum(c) / n for v in c] for c in columns]
    spread = [sum(v * v for v in c) for c in centred]

    def score(scheme: tuple[int, ...]) -> Fraction:
        sums = [sum(v if j in scheme else -v for j, v in enumerate(c)) for c in centred]
        return sum((s * s / q for s, q in zip(sums, spread, strict=True)), Fraction(0))

    schemes = list(combinations(range(n), treated))
    scores = [score(scheme) for scheme in schemes]
    share = Fraction(str(rule["best"]))
    limit = sorted(scores)[max(int(share * len(scores)), 1) - 1]
    good = [scheme for scheme, found in zip(schemes, scores, strict=True) if found <= limit]
    drawn = good[int(own_key(seed, "all", "constrained", "choice"), 16) % len(good)]
    return [rule["arms"][0 if j in drawn else 1] for j in range(n)]


def own_reading(text: str, seed: str) -> list[dict[str, Any]]:
    """Read a log with code of its own, the chain checked on the way; the rule is unsealed."""
    before, out = "0" * 64, []
    for row in text.splitlines():
        body = json.loads(row)
        mac, link = body.pop("hmac"), body.pop("hash")
        plain = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        due = hmac.new(f"evalkit log|{seed}".encode(), (before + plain).encode(), sha256)
        assert mac == due.hexdigest()
        assert link == sha256((before + plain + mac).encode()).hexdigest()
        before = link
        out.append(body)
    sealed = bytes.fromhex(out[0]["rule"])
    stream = b"".join(
        hmac.new(f"evalkit rule|{seed}".encode(), str(n).encode(), sha256).digest()
        for n in range(len(sealed) // 32)
    )
    out[0]["rule"] = json.loads(bytes(a ^ b for a, b in zip(sealed, stream, strict=True)))
    assert out[0]["commitment"] == sha256(f"evalkit commitment|{seed}".encode()).hexdigest()
    return out


def own_arms(text: str, seed: str) -> tuple[list[str], list[str]]:
    """Return the arms that the log holds, and those that seed and rule give."""
    lines = own_reading(text, seed)
    rule = lines[0]["rule"]
    rows = [line for line in lines if "unit" in line and "n" in line]
    values = [row["values"] for row in rows]
    if rule["cluster"]:
        first = {row["cluster"]: row["values"] for row in reversed(rows)}
        order = list(dict.fromkeys(row["cluster"] for row in rows))
        values = [first[name] for name in order]
    strata = ["/".join(row) or "all" for row in values]
    given = {
        "blocks": lambda: own_blocks(rule, strata, seed),
        "simple": lambda: own_simple(rule, strata, seed),
        "minimise": lambda: own_minimise(rule, values, seed),
        "constrained": lambda: own_constrained(rule, values, seed),
    }[rule["method"]]()
    if rule["cluster"]:
        by_cluster = dict(zip(order, given, strict=True))
        given = [by_cluster[row["cluster"]] for row in rows]
    return [row["arm"] for row in rows], given


RULES: dict[str, dict[str, Any]] = {
    "blocks": {"strata": ("site",), "block": (6, 4)},
    "blocks without strata": {"strata": (), "block": (4,)},
    "three arms": {"arms": ("a", "b", "c"), "ratio": (2, 1, 1), "block": None},
    "simple": {"method": "simple", "block": None, "ratio": (2, 1)},
    "minimise": {"method": "minimise", "block": None, "strata": ("site", "risk")},
    "minimise unequal": {"method": "minimise", "block": None, "strata": ("site", "risk"),
                         "arms": ("a", "b", "c"), "ratio": (3, 2, 1), "probability": 0.9},
}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("seed", [SEED, "another seed of 32 characters, at least"])
def test_every_arm_is_derived_again_by_other_code(name: str, seed: str) -> None:
    log = open_log(200, seed=seed, **RULES[name])
    held, given = own_arms(log.text(), seed)
    assert held == given and len(held) == 200


def test_clusters_are_derived_again() -> None:
    rule = make_rule(strata=("site",), cluster="family", block=(4,))
    units = [Enrolled(f"p{k}", f"f{k // 3}", (f"s{k // 3 % 2}",)) for k in range(90)]
    log = add(begin(rule, SEED, open=True, date=DAY), units, SEED, date=DAY)
    held, given = own_arms(log.text(), SEED)
    assert held == given
    assert all(len(set(held[k : k + 3])) == 1 for k in range(0, 90, 3))
    later = add(log, [Enrolled("late", "f4", ("s0",))], SEED, date=DAY)
    assert later.given[-1].arm == held[12]
    with pytest.raises(InvalidInput, match="in the strata"):
        add(log, [Enrolled("late", "f4", ("s1",))], SEED, date=DAY)


@pytest.mark.parametrize("ratio", [None, (2, 1)])
def test_constrained_is_derived_again(ratio: tuple[int, int] | None) -> None:
    rule = make_rule(method="constrained", covariates=("x", "w"), best=0.2, ratio=ratio)
    rng = random.Random(4)
    units = [Enrolled(f"c{k}", "", (str(rng.randrange(99)), str(rng.randrange(9)))) for k in range(9)]  # fmt: skip
    drawn = set()
    for seed in map(str, range(12)):
        log = close(add(begin(rule, seed, open=False, date=DAY), units, seed, date=DAY), seed, date=DAY)  # fmt: skip
        held, given = own_arms(log.text(), seed)
        assert held == given and held.count("treatment") == (4 if ratio is None else 6)
        drawn.add(tuple(held))
    assert len(drawn) > 4
    with pytest.raises(InvalidInput, match="all clusters"):
        begin(rule, SEED, open=True, date=DAY)


def test_a_sample_of_schemes_is_derived_again() -> None:
    """Of more than 50,000 schemes, those of the first keys are checked by hand."""
    from evalkit.stats.planning.constrained import _schemes

    found, exact = _schemes(20, 10, "a seed")
    rows = {tuple(int(j) for j in row.nonzero()[0]) for row in found}
    assert not exact and list(rows) and len(rows) == len(found)
    for k in (0, 1, 49_999):
        keys = sorted((own_key("a seed", "all", "constrained", k, j), j) for j in range(20))
        assert tuple(sorted(j for _, j in keys[:10])) in rows


def test_balance_is_as_the_rule_promises() -> None:
    for seed in (sha256(bytes([n])).hexdigest() for n in range(5)):
        log = open_log(300, seed=seed)
        ahead: Counter[str] = Counter()
        for item in log.given:
            ahead[item.values[0]] += 1 if item.arm == "treatment" else -1
            assert abs(ahead[item.values[0]]) <= 3


# Growing


@pytest.mark.parametrize("name", RULES)
def test_adding_one_by_one_is_adding_at_once(name: str) -> None:
    whole = open_log(40, **RULES[name])
    log = open_log(1, **RULES[name])
    for item in people(40, strata=len(whole.head["columns"]))[1:]:
        before = log.text()
        log = add(log, [item], SEED, date=DAY)
        assert log.text().startswith(before)
    assert log.text() == whole.text()


def test_what_is_refused() -> None:
    log = open_log(5)
    more = people(6)[5:]
    with pytest.raises(InvalidInput, match="not the seed"):
        add(log, more, SEED[::-1], date=DAY)
    with pytest.raises(InvalidInput, match="not the seed"):
        close(log, "7", date=DAY)
    with pytest.raises(InvalidInput, match="In the log already"):
        add(log, people(5)[4:], SEED, date=DAY)
    with pytest.raises(InvalidInput, match="given twice"):
        add(log, more * 2, SEED, date=DAY)
    with pytest.raises(InvalidInput, match="before 2026-01-05"):
        add(log, more, SEED, date="2026-01-04")
    with pytest.raises(InvalidInput, match="not a day"):
        add(log, more, SEED, date="5 Jan")
    with pytest.raises(InvalidInput, match="is closed"):
        add(closed_log(5), more, SEED, date=DAY)
    with pytest.raises(InvalidInput, match="is closed"):
        close(closed_log(5), SEED, date=DAY)
    for seed in ("20240401", "a" * 80, "1234567890" * 3):
        assert can_be_guessed(seed)
        with pytest.raises(InvalidInput, match="nobody can guess"):
            begin(make_rule(), seed, open=True, date=DAY)
    with pytest.raises(InvalidInput, match=r"\|"):
        begin(make_rule(), "a|b", open=False, date=DAY)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ratio": (2, 0)}, "1 or more"),
        ({"ratio": (1,)}, "for each arm"),
        ({"ratio": (2, 1), "block": (2,)}, "multiples of 3"),
        ({"ratio": (2, 1), "block": (4,)}, "multiples of 3"),
        ({"block": (0,)}, "multiples of 2"),
        ({"arms": ("a",)}, "two or more"),
        ({"arms": ("a", "a")}, "two or more"),
        ({"arms": ("a", "")}, "no name"),
        ({"method": "dice"}, "blocks, simple"),
        ({"method": "simple", "block": (4,)}, "does not go with"),
        ({"probability": 0.8}, "does not go with"),
        ({"method": "minimise"}, "needs strata"),
        ({"method": "minimise", "strata": ("s",), "probability": 0.5}, "above 0.5"),
        ({"method": "constrained"}, "needs covariates"),
        ({"method": "constrained", "covariates": ("x",), "arms": ("a", "b", "c")}, "two"),
        ({"strata": ("s", "s")}, "twice"),
        ({"strata": ("arm",)}, "Rename"),
        ({"unit": "family", "cluster": "family"}, "both"),
    ],
)  # fmt: skip
def test_rules_that_cannot_be(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        make_rule(**options)


# Bent


def rows_of(log: Log) -> list[str]:
    return log.text().splitlines(keepends=True)


def edited(row: str, **change: Any) -> str:
    return json.dumps(json.loads(row) | change, ensure_ascii=False, separators=(",", ":")) + "\n"


def bend(how: Callable[[list[str]], None]) -> Callable[[Log], str]:
    def bent(log: Log) -> str:
        rows = rows_of(log)
        how(rows)
        return "".join(rows)

    return bent


def change(place: int, **words: Any) -> Callable[[Log], str]:
    def how(rows: list[str]) -> None:
        rows[place - 1] = edited(rows[place - 1], **words)

    return bend(how)


BENT: dict[str, tuple[Callable[[Log], str], int, str]] = {
    "unit": (change(7, unit="other"), 7, "changed"),
    "stratum": (change(7, values=["s9"]), 7, "changed"),
    "date": (change(7, date="2026-01-04"), 7, "changed"),
    "cluster": (change(7, cluster="x"), 7, "changed"),
    "rule": (change(1, rule="00" * 512), 1, "changed"),
    "opened": (change(1, open=False), 1, "changed"),
    "key added": (change(7, note="x"), 7, "not as evalkit writes"),
    "swapped": (bend(lambda rows: rows.__setitem__(slice(6, 8), rows[7:5:-1])), 7, "removed or moved"),
    "removed": (bend(lambda rows: rows.pop(6)), 7, "unit 7 stands where unit 6 is due"),
    "first unit removed": (bend(lambda rows: rows.pop(1)), 2, "removed"),
    "head removed": (bend(lambda rows: rows.pop(0)), 1, "not the first line"),
    "repeated": (bend(lambda rows: rows.insert(7, rows[6])), 8, "repeated"),
    "inserted": (bend(lambda rows: rows.insert(7, edited(rows[6], n=7, unit="new"))), 8, "changed"),
    "blank line": (bend(lambda rows: rows.insert(7, "\n")), 8, "not as evalkit writes"),
    "not JSON": (bend(lambda rows: rows.__setitem__(6, "{\n")), 7, "not as evalkit writes"),
    "spaced": (bend(lambda rows: rows.__setitem__(6, rows[6].replace(":", ": "))), 7, "not as evalkit"),
    "key twice": (bend(lambda rows: rows.__setitem__(6, rows[6].replace('"arm"', '"arm":"x","arm"'))), 7, "not as"),
    "cut in a line": (lambda log: log.text()[:-9], 31, "incomplete"),
    "nothing": (lambda log: "", 1, "not the first line"),
}  # fmt: skip


@pytest.mark.parametrize("seed", [None, SEED], ids=["without the seed", "with it"])
@pytest.mark.parametrize("name", BENT)
def test_bending_shows_with_its_line(name: str, seed: str | None) -> None:
    bent, line, word = BENT[name]
    _, verdict = verify(bent(open_log()), "log.jsonl", seed=seed)
    first = verdict.problems[0]
    assert first.where.line == line, verdict.problems
    assert any(word in problem.what for problem in verdict.problems)


@pytest.mark.parametrize("place", range(2, 32))
def test_one_arm_changed_shows_wherever(place: int) -> None:
    log = open_log()
    other = {"treatment": "comparison", "comparison": "treatment"}[log.given[place - 2].arm]
    _, verdict = verify(change(place, arm=other)(log), "log.jsonl")
    assert [problem.where.line for problem in verdict.problems] == [place]


@pytest.mark.parametrize("make", [open_log, closed_log])
def test_any_letter_changed_shows(make: Callable[..., Log]) -> None:
    text = make(6).text()
    draws = random.Random(3)
    for _ in range(300):
        place = draws.randrange(len(text))
        letter = draws.choice('0123456789abcdef{}[],:" \n\\Z')
        how = draws.choice(("replace", "insert", "delete"))
        end = place + (how != "insert")
        other = text[:place] + ("" if how == "delete" else letter) + text[end:]
        if other != text and other + "\n" != text:
            assert verify(other, "x")[1].problems, (how, place, letter)
            assert verify(other, "x", seed=SEED)[1].problems


def rebuilt(log: Log, seed: str, *, keep_head: bool) -> str:
    """Write a log anew as somebody without the seed can: hashes right, HMACs by a seed of theirs."""
    out, before = [], "0" * 64
    for place, line in enumerate(log.lines):
        body = dict(line.body)
        if place == 5:
            body["arm"] = "comparison" if body["arm"] == "treatment" else "treatment"
        if place == 0 and not keep_head:
            body["commitment"] = sha256(f"evalkit commitment|{seed}".encode()).hexdigest()
        plain = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        mac = hmac.new(f"evalkit log|{seed}".encode(), (before + plain).encode(), sha256).hexdigest()  # fmt: skip
        mac = line.mac if place < 5 and keep_head else mac
        before = sha256((before + plain + mac).encode()).hexdigest()
        out.append(f'{plain[:-1]},"hmac":"{mac}","hash":"{before}"}}\n')
    return "".join(out)


@pytest.mark.parametrize("make", [open_log, closed_log])
def test_a_log_written_anew_shows(make: Callable[[], Log]) -> None:
    log = make()
    part, whole = (rebuilt(log, "their own", keep_head=keep) for keep in (True, False))
    assert not read_log(part, "x")[1] and not read_log(whole, "x")[1]  # the hashes hold
    _, verdict = verify(part, "x", seed=SEED)
    assert verdict.problems[0].where.line == 6
    assert "not written with the seed" in verdict.problems[0].what
    assert any("has the arm" in problem.what for problem in verdict.problems)
    _, verdict = verify(whole, "x", seed=SEED)
    assert "does not commit to this seed" in verdict.problems[0].what
    for text in (part, whole):
        _, verdict = verify(text, "x", receipts=[log.receipt])
        assert "not the log that the receipt" in verdict.problems[0].what
        _, verdict = verify(text, "x")
        assert not verdict.problems and any("No seed" in note for note in verdict.not_checked)


def test_cut_at_the_end() -> None:
    log = open_log()
    cut = "".join(rows_of(log)[:-4])
    _, verdict = verify(cut, "x", seed=SEED)
    assert not verdict.problems and any("cut off" in note for note in verdict.not_checked)
    for seed in (None, SEED):
        _, verdict = verify(cut, "x", seed=seed, receipts=[log.receipt])
        assert "given for 30 units and the log holds 26" in verdict.problems[0].what
    done = close(log, SEED, date=DAY)
    _, verdict = verify(log.text(), "x", seed=SEED, receipts=[done.receipt])
    assert "closing line was cut off" in verdict.problems[0].what
    _, verdict = verify(done.text(), "x", seed=SEED, receipts=[log.receipt, done.receipt, open_log(12).receipt])  # fmt: skip
    assert not verdict.problems and not verdict.not_checked
    at_once = add(begin(make_rule(), "7", open=False, date=DAY), [Enrolled(str(k), "", ()) for k in range(9)], "7", date=DAY)  # fmt: skip
    at_once = close(at_once, "7", date=DAY)
    rows = rows_of(at_once)
    for end in range(1, len(rows)):
        _, verdict = verify("".join(rows[:end]), "x")
        assert (
            "cut off here" in verdict.problems[-1].what and verdict.problems[-1].where.line == end
        )
    _, verdict = verify("".join([*rows, rows[3]]), "x")
    assert "after the line that closes" in verdict.problems[0].what


def test_the_holder_of_the_seed_cannot_give_another_arm() -> None:
    log = open_log()
    out, before = [], "0" * 64
    for place, line in enumerate(log.lines):
        body = dict(line.body)
        if place == 5:
            body["arm"] = {"treatment": "comparison", "comparison": "treatment"}[body["arm"]]
        plain = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        mac = hmac.new(f"evalkit log|{SEED}".encode(), (before + plain).encode(), sha256).hexdigest()  # fmt: skip
        before = sha256((before + plain + mac).encode()).hexdigest()
        out.append(f'{plain[:-1]},"hmac":"{mac}","hash":"{before}"}}\n')
    _, verdict = verify("".join(out), "x", seed=SEED)
    assert [problem.where.line for problem in verdict.problems] == [6]
    assert "the seed gives it" in verdict.problems[0].what


def test_odd_letters_and_line_ends() -> None:
    units = [Enrolled(name, "", ()) for name in ("Zoë", "a\u2028b", "x\x85y", '"', "=1+1")]
    log = add(begin(make_rule(), SEED, open=True, date=DAY), units, SEED, date=DAY)
    for text in (log.text(), log.text().replace("\n", "\r\n")):
        _, verdict = verify(text, "x", seed=SEED, receipts=[log.receipt])
        assert not verdict.problems and verdict.units == 5
    with pytest.raises(InvalidInput, match="not a receipt"):
        verify(log.text(), "x", receipts=["5"])


# Concealment


def test_an_open_log_tells_neither_seed_nor_rule() -> None:
    for block in ((4,), (4, 6, 8)):
        text = open_log(20, block=block).text()
        assert SEED not in text and SEED[:12] not in text
        for word in ("block", "method", "ratio", "probability", str(list(block)).replace(" ", "")):
            assert f'"{word}"' not in text
    heads = [rows_of(open_log(1, **options))[0] for options in ({"block": (4,)}, {"block": (4, 6, 8)},
             {"method": "simple", "block": None})]  # fmt: skip
    assert len({len(head) for head in heads}) == 1
    assert '"block":[4,6]' in rows_of(closed_log(8))[-1]


def convergence(arms: list[str]) -> int:
    """Count the right guesses of somebody who always says the arm that is behind (ties: treatment)."""
    ahead = right = 0
    for arm in arms:
        guess = "treatment" if ahead <= 0 else "comparison"
        right += guess == arm
        ahead += 1 if arm == "treatment" else -1
    return right


def test_an_attacker_with_log_list_and_program_does_no_better_than_the_design() -> None:
    """Guesses from all that a line holds do as well as chance; those from past arms as the design allows."""
    units = [Enrolled(f"u{k}", "", ()) for k in range(60)]
    right: Counter[str] = Counter()
    design, draws = 0, random.Random(1)
    runs = 120
    for run in range(runs):
        seed = sha256(f"run {run}".encode()).hexdigest()
        for method, block in (("simple", None), ("blocks", (4, 6))):
            rule = make_rule(method=method, block=block)
            log = add(begin(rule, seed, open=True, date=DAY), units, seed, date=DAY)
            arms = [item.arm for item in log.given]
            right[f"{method} past"] += convergence(arms)
            for before, arm in zip(log.lines, arms, strict=False):
                is_first = arm == "treatment"
                right[f"{method} hash"] += (int(before.digest, 16) % 2 == 0) == is_first
                right[f"{method} hmac"] += (int(before.mac, 16) % 2 == 0) == is_first
            for public in (log.head["commitment"], log.head["rule"], log.lines[-1].digest):
                trial = add(begin(rule, public[:64], open=True, date=DAY), units, public[:64], date=DAY)  # fmt: skip
                pairs = zip(arms, trial.given, strict=True)
                right[f"{method} as seed"] += sum(arm == item.arm for arm, item in pairs)
        sequence: list[str] = []
        while len(sequence) < 60:
            part = ["treatment", "comparison"] * draws.choice((2, 3))
            draws.shuffle(part)
            sequence += part
        design += convergence(sequence[:60])
    n = runs * 60
    for name in ("simple past", "simple hash", "simple hmac", "blocks hash", "blocks hmac"):
        assert abs(right[name] / n - 0.5) < 4 * 0.5 / n**0.5, name
    assert abs(right["simple as seed"] / (3 * n) - 0.5) < 4 * 0.5 / (3 * n) ** 0.5
    assert abs(right["blocks as seed"] / (3 * n) - 0.5) < 4 * 0.5 / (3 * n) ** 0.5
    assert abs(right["blocks past"] - design) / n < 4 * (2 * 0.25 / n) ** 0.5


def test_guessing_short_seeds_finds_nothing() -> None:
    commits = open_log(3).head["commitment"]
    guesses = (f"{year}{month:02d}{day:02d}" for year in range(2015, 2031)
               for month in range(1, 13) for day in range(1, 32))  # fmt: skip
    guessed = [*guesses, *map(str, range(20_000)), "", "seed", commits]
    assert all(sha256(f"evalkit commitment|{text}".encode()).hexdigest() != commits for text in guessed)  # fmt: skip


def test_all_methods_are_tried() -> None:
    tried = {rule.get("method", "blocks") for rule in RULES.values()} | {"constrained"}
    assert tried == set(METHODS)
