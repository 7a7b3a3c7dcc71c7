"""The pages: safe to open and share, true to the analysis, and silent on effect where they must be."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import socket
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import evalkit as ek
from evalkit.disclosure import HIDDEN
from evalkit.errors import InvalidInput, NotAvailable
from evalkit.reports.findings import findings_file, findings_schema, plain
from evalkit.reports.released import release
from evalkit.reports.writing import report_text

ROOT = Path(__file__).parents[2]
EXAMPLES = ("beating-the-blues", "growing-together")
VOID = {"meta", "link", "br", "hr", "img", "input"}
IMPACT = re.compile(
    r"\b(effect(?!iveness)|effects|impact|impacts|caus\w+|because of the programme|thanks to|"
    r"due to the programme|works|worked|improve[sd]?|improvement|reduce[sd]?|reduction|made things|"
    r"better with|worse with|credited|attribut\w+|than in the comparison|difference between)\b",
    re.IGNORECASE,
)


class Page(HTMLParser):
    """Collect the tags, texts and tables of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.tables: list[list[list[str]]] = []
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            continue

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            return
        self.texts.append(data)
        if self._open and ("td" in self._open or "th" in self._open):
            self.tables[-1][-1][-1] += data

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def table(self, *heads: str) -> list[dict[str, str]]:
        """Return the rows of the first table that has these heads."""
        for rows in self.tables:
            if rows and set(heads) <= set(rows[0]):
                return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
        raise AssertionError(f"no table with {heads}")


@pytest.fixture(scope="module")
def pages(analyses: dict[str, ek.Analysis]) -> dict[tuple[str, str], str]:
    return {
        (name, kind): report_text(analysis, ".html", kind)
        for name, analysis in analyses.items()
        for kind in ("summative", "formative")
    }


def test_nothing_runs_and_nothing_loads(pages: dict[tuple[str, str], str]) -> None:
    for text in pages.values():
        page = Page(text)
        assert "script" not in {tag for tag, _ in page.tags}
        for tag, attributes in page.tags:
            for name, value in attributes.items():
                assert not name.startswith("on"), (tag, name)
                if name in ("src", "href", "xlink:href", "action", "data"):
                    assert str(value).startswith("#"), (tag, name, value)
        assert "@import" not in text and "url(http" not in text
        assert "default-src 'none'" in text


def test_a_page_can_be_read_by_everyone(pages: dict[tuple[str, str], str]) -> None:
    for text in pages.values():
        page = Page(text)
        names = [tag for tag, _ in page.tags]
        assert names.count("h1") == 1 and names.count("main") == 1
        assert dict(page.tags)["html"]["lang"] == "en-GB"
        levels = [int(tag[1]) for tag in names if re.fullmatch(r"h[1-6]", tag)]
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
        assert all("scope" in attributes for tag, attributes in page.tags if tag == "th")
        assert names.count("table") == names.count("caption")
        assert names.count("svg") <= text.count("<title") - 1
        ids = [a["id"] for _, a in page.tags if a.get("id")]
        assert len(ids) == len(set(ids))


def test_the_same_input_gives_the_same_bytes(
    analyses: dict[str, ek.Analysis], pages: dict[tuple[str, str], str]
) -> None:
    for (name, kind), text in pages.items():
        assert report_text(analyses[name], ".html", kind) == text


def test_synthetic_is_said_wherever_it_shows(pages: dict[tuple[str, str], str]) -> None:
    for (name, _), text in pages.items():
        assert ("Synthetic data" in text) == (name == "growing-together")
        assert text.count("ynthetic") >= 3 or name != "growing-together"


TOGETHER = re.compile(r'<section id="individual">.*?</section>', re.DOTALL)


def test_a_formative_report_makes_no_impact_statement(pages: dict[tuple[str, str], str]) -> None:
    for name in EXAMPLES:
        text = Page(pages[name, "formative"]).text
        text = text.replace("could be worked out", "")  # of hidden counts
        text = text.replace("Improved No reliable change", "")  # heads of a table without arms
        said = [match.group(0) for match in IMPACT.finditer(text)]
        assert said == []


def test_a_formative_report_does_not_move_with_the_outcomes(
    analyses: dict[str, ek.Analysis],
) -> None:
    """Make every later answer the best there is in one arm: not a character may change, but in the
    one section that counts everybody together."""
    evaluation = analyses["growing-together"].study.evaluation
    people = evaluation.read("people.csv", None).frame
    treated = set(people.loc[people["arm"] == "programme", "person"])
    tables = {}
    for name, best in (("sdq_parent.csv", "0"), ("sdq_self.csv", "0"), ("swemwbs.csv", "5")):
        frame = evaluation.read(name, None).frame.copy()
        late = (frame["wave"] != "baseline") & frame["person"].isin(treated)
        for column in [column for column in frame if column.startswith("q")]:
            frame.loc[late & (frame[column] != ""), column] = best
        tables[name] = frame
    moved = evaluation.study(tables)
    assert abs(moved.analyse(sensitivity=False).estimates[0].estimate) > 5
    pages = [report_text(study, ".html") for study in (analyses["growing-together"].study, moved)]
    before, after = (re.sub(r"sha256 [0-9a-f]{64}", "", page) for page in pages)
    assert TOGETHER.search(before)[0] != TOGETHER.search(after)[0]
    assert TOGETHER.sub("", before) == TOGETHER.sub("", after)


def test_counts_of_change_in_a_formative_report_tell_no_arm_from_another(
    analyses: dict[str, ek.Analysis], tmp_path: Path
) -> None:
    """Exchange the arms of the same matched sets: not a character of the section may change."""
    study = analyses["growing-together"].study
    folder = tmp_path / "growing-together"
    shutil.copytree(ROOT / "examples" / "growing-together", folder)
    text = (folder / "evaluation.yaml").read_text(encoding="utf-8")
    sets = "  match: {unit: family, sets: matched_set, covariates: [need_tier]}\nanalysis:"
    text, found = re.subn(r"  match:\n(    .*\n)+analysis:", sets, text)
    assert found == 1
    (folder / "evaluation.yaml").write_text(text, encoding="utf-8")
    evaluation = ek.load(folder / "evaluation.yaml")
    people = evaluation.read("people.csv", None).frame.copy()
    people["matched_set"] = people["person"].map(study.people.set_index("person")["set"])
    people["matched_set"] = people["matched_set"].astype(object).fillna("")
    turned = people.assign(
        arm=people["arm"].map({"programme": "comparison", "comparison": "programme"}).fillna("")
    )
    pages = [
        report_text(evaluation.study({"people.csv": table}), ".html") for table in (people, turned)
    ]
    before, after = (TOGETHER.search(page)[0] for page in pages)
    assert before == after and "everyone together" in before
    assert "in comparison" not in before and "in programme" not in before


def test_hostile_text_is_inert(tmp_path: Path) -> None:
    payload = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    text = (ROOT / "examples" / "beating-the-blues" / "evaluation.yaml").read_text(encoding="utf-8")
    quoted = json.dumps(payload)
    text = re.sub(
        r"name: (?!\{).*",
        lambda m: (
            f"name: {quoted}" if "{" not in m.group(0) and "}" not in m.group(0) else m.group(0)
        ),
        text,
    )
    text = text.replace("because: published data", f"because: {quoted}")
    (tmp_path / "evaluation.yaml").write_text(text, encoding="utf-8")
    source = ROOT / "examples" / "beating-the-blues" / "beating_the_blues.csv"
    (tmp_path / "beating_the_blues.csv").write_bytes(
        source.read_bytes().replace(b'"Yes"', b'"=1+<b>"')
    )
    analysis = ek.load(tmp_path / "evaluation.yaml").study().analyse()
    for kind in ("summative", "formative"):
        page = report_text(analysis, ".html", kind)
        assert "<script" not in page and "<img" not in page and "<b>" not in page
        assert "&lt;script&gt;" in page


def span(text: str, rules: Any) -> tuple[int, int]:
    """Return the least and most that a count on the page can stand for."""
    if text == HIDDEN:
        return 1, 60
    value = int(text.replace(",", ""))
    slack = 0 if rules.profile == "open" or value == 0 else (rules.round_to + 1) // 2
    return value - slack, value + slack


def test_counts_on_a_page_reconcile_and_hide_the_small(
    analyses: dict[str, ek.Analysis], pages: dict[tuple[str, str], str]
) -> None:
    for name in EXAMPLES:
        rules = analyses[name].study.evaluation.declared.disclosure
        page = Page(pages[name, "summative"])
        rows = page.table("Outcome", "Arm", "Allocated", "Analysed")
        assert len(rows) == 2 * len(analyses[name].estimates)
        for row in rows:
            cell = row["Left out on the way, and why"]
            left = [part.rsplit(": ", 1)[1] for part in cell.split("; ") if ": " in part]
            texts = [*left, row["Allocated"], row["Due"], row["Returned"], row["Analysed"]]
            if rules.profile == "strict":
                assert all(
                    text == HIDDEN or (int(text) >= rules.threshold and int(text) % rules.round_to == 0)
                    for text in texts
                )  # fmt: skip
            unlisted = (0, 0) if rules.profile == "open" else (0, 60)  # small reasons are not named
            spans = [unlisted, *(span(text, rules) for text in left)]
            low, high = span(row["Allocated"], rules)
            least, most = span(row["Analysed"], rules)
            assert low - sum(s[1] for s in spans) <= most
            assert high - sum(s[0] for s in spans) >= least
        for row in page.table("Role", "People", "Measured", "Not due yet"):
            keys = ("Measured", "Not measured", "Not due yet", "Not asked")
            spans = [span(row[key], rules) for key in keys]
            low, high = span(row["People"], rules)
            assert sum(s[0] for s in spans) <= high and sum(s[1] for s in spans) >= low, row


def test_rates_on_a_strict_page_are_near_the_truth(
    analyses: dict[str, ek.Analysis], pages: dict[tuple[str, str], str]
) -> None:
    analysis = analyses["growing-together"]
    rows = Page(pages["growing-together", "summative"]).table("Lost overall", "Cautious boundary")
    shown = 0
    for row, loss in zip(rows, analysis.attrition, strict=True):
        if row["Lost overall"] != "not shown":
            shown += 1
            assert abs(float(row["Lost overall"].rstrip("%")) - 100 * loss.overall) < 2.5
    assert shown >= 6


def test_the_same_number_is_printed_everywhere(
    analyses: dict[str, ek.Analysis], pages: dict[tuple[str, str], str]
) -> None:
    for name in EXAMPLES:
        released = release(analyses[name].study)
        page = Page(pages[name, "summative"])
        flow = page.table("Outcome", "Arm", "Allocated", "Analysed")
        arms = analyses[name].study.evaluation.declared.design.arm
        estimates = page.table("Outcome", "SE", "df", "Level")
        for n, row in enumerate(estimates):
            assert row[f"n, {arms.treated}"] == flow[2 * n]["Analysed"]
            assert row[f"n, {arms.comparison}"] == flow[2 * n + 1]["Analysed"]
        for estimate in analyses[name].estimates:
            shown = released.counts(estimate)
            assert shown is not None
            assert (
                f"{shown[0]} people in {arms.treated}, {shown[1]} in {arms.comparison}" in page.text
            )


def test_page_numbers_equal_the_analysis(
    analyses: dict[str, ek.Analysis], pages: dict[tuple[str, str], str]
) -> None:
    rows = Page(pages["beating-the-blues", "summative"]).table("Outcome", "SE", "df", "Level")
    for row, estimate in zip(rows, analyses["beating-the-blues"].estimates, strict=True):
        shown = row["Adjusted difference (95% interval)"].replace("−", "-")
        wanted = f"{estimate.estimate:.1f} ({estimate.conf_low:.1f} to {estimate.conf_high:.1f})"
        assert shown == wanted
        assert row["df"] == f"{estimate.df:.1f}"
        assert row["n, BtheB"] == str(estimate.n_treatment)


def test_attrition_verdict_shows_and_small_losses_hide_their_rates(
    analyses: dict[str, ek.Analysis], pages: dict[tuple[str, str], str]
) -> None:
    rows = Page(pages["beating-the-blues", "summative"]).table("Lost overall", "Cautious boundary")
    assert [row["Cautious boundary"] for row in rows] == ["outside", "inside", "outside", "inside"]
    assert [row["Lost overall"] for row in rows] == ["3.0%", "27.0%", "42.0%", "48.0%"]
    assert "low attrition" not in pages["beating-the-blues", "summative"].lower()
    strict = Page(pages["growing-together", "summative"]).table("Lost overall", "Cautious boundary")
    assert all(row["Cautious boundary"] in ("inside", "outside") for row in strict)
    assert all(
        row["Lost overall"] == "not shown" or row["Lost overall"].endswith("%") for row in strict
    )


def test_strict_on_a_small_study_hides_results(tmp_path: Path) -> None:
    """With eight people an arm nothing of them may be read off a shareable page."""
    folder = ROOT / "examples" / "beating-the-blues"
    text = (folder / "evaluation.yaml").read_text(encoding="utf-8")
    text = re.sub(r"disclosure: .*", "disclosure: {profile: strict}", text)
    (tmp_path / "evaluation.yaml").write_text(text, encoding="utf-8")
    lines = (folder / "beating_the_blues.csv").read_text(encoding="utf-8").splitlines()
    (tmp_path / "beating_the_blues.csv").write_text("\n".join(lines[:17]) + "\n", encoding="utf-8")
    analysis = ek.load(tmp_path / "evaluation.yaml").study().analyse()
    page = Page(report_text(analysis, ".html", "summative"))
    assert "may" in page.text and "95% interval" in page.text
    for row in page.table("Outcome", "SE", "df", "Level"):
        assert row["SE"] == "–" and row["n, BtheB"] == "not shown"
    for estimate in analysis.estimates:
        assert estimate.estimate is None or f"{abs(estimate.estimate):.1f} (" not in page.text
    for row in page.table("Outcome", "Arm", "Allocated", "Analysed"):
        assert row["Analysed"] == HIDDEN


def test_findings_json_keeps_everything_and_says_it_is_not_for_sharing(
    analyses: dict[str, ek.Analysis],
) -> None:
    import jsonschema

    for analysis in analyses.values():
        data = json.loads(report_text(analysis, ".json"))
        jsonschema.Draft202012Validator(findings_schema()).validate(data)
        assert data["sharing"].startswith("Not for sharing")
        assert data["estimates"][0]["estimate"] == analysis.estimates[0].estimate
        for estimate in data["estimates"]:
            mine = [
                row for row in data["flow"]
                if row["reason"] is None
                and all(row[key] == estimate[key] for key in ("outcome", "wave", "informant"))
            ]  # fmt: skip
            came_in = sum(row["n"] for row in mine if row["step"] == "came-in")
            used = estimate["n_treatment"] + estimate["n_comparison"]
            assert used + estimate["n_dropped"] == came_in
            assert sum(n for _, n in estimate["dropped_why"]) == estimate["n_dropped"]


def test_the_shipped_findings_schema_is_fresh() -> None:
    shipped = (ROOT / "evalkit" / "_schemas" / "findings.json").read_text(encoding="utf-8")
    assert json.loads(shipped) == findings_schema()


def test_plain_never_gives_json_a_number_that_is_none() -> None:
    assert plain((1.0, float("nan"), float("inf"), {"a": -float("inf")})) == [
        1.0,
        None,
        None,
        {"a": None},
    ]


def test_wrong_kinds_and_suffixes_are_refused(
    analyses: dict[str, ek.Analysis], tmp_path: Path
) -> None:
    analysis = analyses["beating-the-blues"]
    with pytest.raises(InvalidInput, match="needs results"):
        ek.report(analysis.study, tmp_path / "a.html", kind="summative")
    with pytest.raises(InvalidInput, match="summative, formative"):
        ek.report(analysis, tmp_path / "a.html", kind="quick")
    with pytest.raises(NotAvailable, match="docx"):
        ek.report(analysis, tmp_path / "a.docx")
    with pytest.raises(InvalidInput, match=r"\.html, \.json"):
        ek.report(analysis, tmp_path / "a.txt")
    with pytest.raises(InvalidInput, match="results"):
        ek.report(analysis.study, tmp_path / "a.json")
    assert not list(tmp_path.iterdir())


def test_the_main_job_needs_no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    analysis = (
        ek.load(ROOT / "examples" / "beating-the-blues" / "evaluation.yaml").study().analyse()
    )
    assert ek.report(analysis, tmp_path / "summative.html").stat().st_size > 10_000


def test_the_logic_model_says_measured_or_not_then_its_result(
    analyses: dict[str, ek.Analysis],
) -> None:
    analysis = analyses["growing-together"]
    before = analysis.study.evaluation.logic_model.draw()
    assert before.count("not measured") >= 2 and "measured" in before
    page = report_text(analysis, ".html")
    assert "better with the" in page
    assert findings_file(analysis).findings[0].primary
