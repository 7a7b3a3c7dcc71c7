"""The catalogue page: complete, honest about what is not verified, safe to open, and fresh."""

from __future__ import annotations

import html
import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from evalkit.cli.cataloguing import catalogue as command
from evalkit.content import read_texts, registry_from_texts, shipped_registry
from evalkit.instruments.card import VERIFIED
from evalkit.instruments.checks import cited_facts
from evalkit.instruments.scale import Method
from evalkit.reports.catalogue import DOMAINS, catalogue
from evalkit.reports.catalogue_card import DOES, KINDS, LICENCES, RESPONDENTS
from evalkit.reports.scale_words import (
    MADE,
    bands_said,
    made,
    missing_said,
    range_said,
    runs,
    span,
)
from tests.unit.test_reports import ROOT, Page

REGISTRY = shipped_registry()
PAGE = ROOT / "docs" / "measures.html"
AGAIN = "python -m evalkit.reports.catalogue docs/measures.html"
MARK = "<mark>not verified</mark>"


@pytest.fixture(scope="module")
def page() -> str:
    return catalogue(REGISTRY)


@pytest.fixture(scope="module")
def cards(page: str) -> dict[str, str]:
    """The markup of each card by id."""
    found = re.findall(r'<article class="measure[^"]*" id="([^"]*)">(.*?)</article>', page, re.S)
    assert len(found) == len(dict(found))
    return dict(found)


def words(markup: str) -> str:
    """The text of a part of the page."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", markup)).split())


def test_the_committed_page_is_fresh(page: str) -> None:
    text = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    if text != page:  # no diff of half a million characters
        pytest.fail(f"{PAGE.relative_to(ROOT)} is stale. Write it again with: {AGAIN}")


def test_the_same_measures_give_the_same_bytes(page: str) -> None:
    again = catalogue(registry_from_texts(read_texts("measures"), {}))
    assert again == page


def test_every_measure_has_a_card_and_a_line_in_the_index(page: str, cards: dict[str, str]) -> None:
    assert sorted(cards) == REGISTRY.measures()
    index = page[page.index('id="the_index"') : page.index('<section class="domain">')]
    for name in REGISTRY.measures():
        assert index.count(f'<a href="#{name}">') == 1
        assert index.count(f"<code>{name}</code>") == 1


def test_every_domain_of_the_folder_has_a_title() -> None:
    assert {name.partition("/")[0] for name in REGISTRY.measure_readers} == set(DOMAINS)


@pytest.mark.parametrize("name", REGISTRY.measures())
def test_a_card_says_everything(name: str, cards: dict[str, str]) -> None:
    measure, text = REGISTRY.measure(name), words(cards[name])

    def says(part: str) -> bool:
        return " ".join(part.split()) in text

    assert all(map(says, (measure.title, measure.construct, measure.licence.holder)))
    assert all(map(says, (measure.reference, f"Version: {measure.version}; shipped with evalkit")))
    assert all(says(source.citation) for source in measure.sources)
    assert all(says(domain.title) for domain in measure.domains)
    for note in measure.notes:
        assert says(note.removeprefix("Not scored").removeprefix(" here").lstrip())
    for flag in measure.flags:
        assert says(flag.says[1:])
    for fact in (measure.ages, measure.recall, measure.time, measure.item_order):
        assert fact is None or says(str(fact))
    for change in measure.change_thresholds:
        assert says(f"{change.points:g} points count as {change.kind} change ({change.id})")
    for row in measure.reliability:
        assert says(f"{row.value:.2f}")
    for norm in measure.norms:
        assert says(norm.population)
    for table in measure.published:
        assert says(table.title) and all(says(line) for line in table.differences)
        assert all(says(cell) for row in table.rows for cell in row if isinstance(cell, str))
    for _, fact in cited_facts(measure):
        shown = type(fact).__name__ != "WorkedExample"
        assert not shown or not fact.note or says(fact.note), fact


@pytest.mark.parametrize("name", REGISTRY.measures())
def test_every_scale_shows_how_it_is_made_its_range_and_direction(
    name: str, cards: dict[str, str]
) -> None:
    measure = REGISTRY.measure(name)
    rows = dict(re.findall(r'<tr id="([^"]*)">(.*?)</tr>', cards[name], re.S))
    assert list(rows) == [f"{name}--{scale.id}" for scale in measure.scales]
    for scale in measure.scales:
        text = words(rows[f"{name}--{scale.id}"])
        low, high = (f"{end:.10g}".replace("-", "−") for end in scale.range)
        assert f"{low} and over, higher is" in text or f"{low} to {high}, higher is" in text
        assert f"higher is {scale.higher_is}".replace("neither", "neither better nor worse") in text
        assert ("ordered only" in text) == scale.ordinal
        assert scale.title in text and made(scale, measure) in text
        assert missing_said(scale, measure) in text
        assert ("main score" in text) == (
            scale.id == measure.default_scale and len(measure.scales) > 1
        )
        for system in scale.band_systems:
            assert all(band.label in words(cards[name]) for band in system.bands)


@pytest.mark.parametrize("name", REGISTRY.measures())
def test_what_is_not_verified_is_marked(name: str, cards: dict[str, str]) -> None:
    """Each fact that rests on memory is marked once, and nothing else is."""
    facts = [fact for _, fact in cited_facts(REGISTRY.measure(name))]
    unsure = [x for x in facts if x.verification == "mem" and type(x).__name__ != "WorkedExample"]
    assert cards[name].count(MARK) == len(unsure)


def test_the_introduction_counts_what_the_cards_show(page: str, cards: dict[str, str]) -> None:
    counts = {
        row["Words"]: int(row["Facts here"]) for row in Page(page).table("Words", "Facts here")
    }
    assert list(counts) == ["two sources agree", "one source", "follows by arithmetic",
                            "evalkit's own definition", "not verified"]  # fmt: skip
    assert counts["not verified"] == sum(card.count(MARK) for card in cards.values())
    own = sum(
        card.count(f"({html.escape(VERIFIED['own'], quote=False)}") for card in cards.values()
    )
    own += sum(card.count("(evalkit&#39;s own definition") for card in cards.values())
    assert counts["evalkit's own definition"] == own


def test_bands_say_whether_they_are_shown(cards: dict[str, str]) -> None:
    phq = words(cards["phq-9"])
    assert "Bands: severity" in phq and "0 to 4 minimal" in phq and "20 to 27 severe" in phq
    assert re.search(r"0 to 9 below caseness 10 to 27 caseness Only when named not verified", phq)
    assert re.search(r"20 to 27 severe By default \(two sources agree", phq)
    sdq = words(cards["sdq-parent-4-17"])
    assert re.search(r"6 to 10 normal Only when named \(one source", sdq)


def test_safeguarding_comes_first(cards: dict[str, str]) -> None:
    seen = 0
    for name, card in cards.items():
        flags = [x for x in REGISTRY.measure(name).flags if x.kind == "safeguarding"]
        assert ('class="safeguarding"' in card) == bool(flags)
        if flags:
            seen += 1
            assert card.index('class="safeguarding"') < card.index("<dl") < card.index("<table")
    assert seen >= 8
    assert "a person must see this" in cards["phq-9"]


def test_what_is_not_scored_says_why(cards: dict[str, str]) -> None:
    for name, card in cards.items():
        measure = REGISTRY.measure(name)
        assert ('class="why"' in card) == (measure.kind == "metadata")
        if measure.kind == "metadata":
            assert "no confirmed scoring rule is recorded" not in card, name
    assert "Not scored by evalkit , since the reversed items" in words(cards["kidscreen-27"])


def test_published_tables_and_frameworks_are_shown(cards: dict[str, str]) -> None:
    tables = Page(cards["partnership-benchmark-12"]).tables
    ratings = next(table for table in tables if len(table) == 40)
    assert ratings[1][:2] == ["A", "4"] and ratings[1][-3:] == ["44", "3.4", "2"]
    assert ratings[3][-2] == "2.0"
    assert "Expanded space for action for women" in cards["mirabal-six"]


def test_nothing_runs_and_nothing_loads(page: str) -> None:
    parsed = Page(page)
    assert "script" not in {tag for tag, _ in parsed.tags}
    ids = {attributes["id"] for _, attributes in parsed.tags if "id" in attributes}
    for tag, attributes in parsed.tags:
        for name, value in attributes.items():
            assert not name.startswith("on") and name != "style", (tag, name)
            if name in ("src", "href", "xlink:href", "action", "data"):
                assert str(value).startswith("#"), (tag, name, value)
                assert str(value)[1:] in ids, value
    assert "@import" not in page and "url(" not in page
    base = (ROOT / "evalkit/reports/templates/base.html").read_text(encoding="utf-8")
    policy = re.search(r"<meta http-equiv=.*>", base)
    assert policy and policy.group(0) in page
    assert len(page.encode()) < 1_500_000


def test_the_page_can_be_read_by_everyone(page: str) -> None:
    parsed = Page(page)
    names = [tag for tag, _ in parsed.tags]
    assert names.count("h1") == 1 and names.count("main") == 1
    assert dict(parsed.tags)["html"]["lang"] == "en-GB"
    levels = [int(tag[1]) for tag in names if re.fullmatch(r"h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert all("scope" in attributes for tag, attributes in parsed.tags if tag == "th")
    assert names.count("table") == names.count("caption")
    ids = [a["id"] for _, a in parsed.tags if a.get("id")]
    assert len(ids) == len(set(ids))
    for tag in ("article", "section", "details", "table", "tr", "td", "th", "ul", "dl", "div"):
        assert names.count(tag) == page.count(f"</{tag}>"), tag


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7 * 7 }}"


def test_hostile_text_is_inert() -> None:
    text = read_texts("measures")["wellbeing/phq-9.yaml"]
    quoted = json.dumps(HOSTILE)
    keys = 'title|short_title|construct|version|says|note|holder|citation(?=: ")|population'
    text = re.sub(rf"\b({keys}): (\"[^\"]*\"|[^,}}\n]+)", lambda m: f"{m[1]}: {quoted}", text)
    text = re.sub(r"(label|total): (minimal|interest)\b", lambda m: f"{m[1]}: {quoted}", text)
    page = catalogue(registry_from_texts({"<b>bad/phq-9.yaml": text}, {}))
    assert page.count("&lt;script&gt;") > 10 and "{{ 7 * 7 }}" in page
    assert "<script" not in page and "<img" not in page and "<b>bad" not in page
    assert {tag for tag, _ in Page(page).tags} <= {tag for tag, _ in Page(catalogue(REGISTRY)).tags}


def test_own_measures_stand_under_their_origin(tmp_path: Path) -> None:
    from evalkit.content import registry

    text = read_texts("measures")["wellbeing/phq-2.yaml"].replace("id: phq-2", "id: our-phq", 1)
    folder = tmp_path / "ours"
    folder.mkdir()
    (folder / "our-phq.yaml").write_text(text, encoding="utf-8")
    page = catalogue(registry((str(folder),)))
    assert "<h2>Added: folder ours</h2>" in page and str(tmp_path) not in page
    assert "from folder ours." in page
    assert "<h2>Others</h2>" in catalogue(registry_from_texts({"our-phq.yaml": text}, {}))


def test_the_command_writes_and_does_not_overwrite(tmp_path: Path, page: str) -> None:
    import typer

    app = typer.Typer()
    app.command()(command)
    target = tmp_path / "new" / "catalogue.html"

    def call(*arguments: str) -> Any:
        return CliRunner().invoke(app, [*arguments])

    done = call("--out", str(target))
    assert done.exit_code == 0 and "measures. Open it in a browser" in done.output
    assert target.read_text(encoding="utf-8") == page
    target.write_text("mine", encoding="utf-8")
    refused = call("--out", str(target))
    assert refused.exit_code == 1 and "--force" in refused.output
    assert target.read_text(encoding="utf-8") == "mine"
    assert call("--out", str(target), "--force").exit_code == 0
    assert target.read_text(encoding="utf-8") == page
    assert call("--out", str(tmp_path / "catalogue.pdf")).exit_code == 1


def test_the_words_cover_all_that_a_file_may_say() -> None:
    from typing import get_args, get_type_hints

    from evalkit.instruments.parts import Licence, Verification
    from evalkit.instruments.spec import Measure

    hints = get_type_hints(Measure)
    assert set(KINDS) == set(DOES) == set(get_args(hints["kind"]))
    assert set(RESPONDENTS) == set(get_args(hints["respondent"]))
    assert set(LICENCES) == set(get_args(get_type_hints(Licence)["status"]))
    assert set(VERIFIED) == set(get_args(Verification))
    assert set(MADE) == set(get_args(Method))


@pytest.mark.parametrize(
    ("name", "scale", "said"),
    [
        ("phq-9", "total", "The sum of items 1 to 9."),
        ("phq-9", "symptoms", "How many of items 1 to 9 are answered 2 or more (item 9 from 1 on)."),
        ("sdq-parent-4-17", "conduct", "The sum of items 5, 7, 12, 18 and 22. Item 7 is turned round"),
        ("web-agree-1", "total", "All of them are turned round first"),
        ("who-5", "percentage", "The sum of the 5 items, times 4."),
        ("whoqol-bref", "physical", "The mean of items 3, 4, 10 and 15 to 18, times 25, less 25."),
        ("urica-dv", "readiness", "“Action” and “Maintenance”, less “Precontemplation”."),
        ("swemwbs", "metric", "looked up in a published table of 29 values, from 7 giving 7"),
        ("itq", "ptsd-criteria", "avoidance (at least 1 of items p3 and p4 at 2 or more)"),
        ("proven-reoffending", "in-window", "(“month of offence” at 1 to 12)"),
        ("school-exclusion", "suspension-rate", "“suspensions” divided by “pupils”, times 100."),
        ("bdi-ii", "total", "Scored elsewhere"),
        ("rcads-47-child", "total-t", "A T-score: where “"),
    ],
)  # fmt: skip
def test_how_a_score_is_made_in_words(name: str, scale: str, said: str) -> None:
    measure = REGISTRY.measure(name)
    assert said in made(measure.scale(scale), measure)


def test_missing_rules_in_words() -> None:
    sdq, whoqol = REGISTRY.measure("sdq-parent-4-17"), REGISTRY.measure("whoqol-bref")
    emotional = missing_said(sdq.scale("emotional"), sdq)
    assert (
        emotional == "At least 3 of 5 items must be answered; the rest count as the mean of those."
    )
    assert "No score without “any difficulties”." in missing_said(sdq.scale("impact"), sdq)
    assert "at least 21 of 26" in missing_said(whoqol.scale("physical"), whoqol)


def test_ranges_and_runs_in_words() -> None:
    assert runs([1, 2, 3, 5, 6, 9]) == ["1 to 3", "5", "6", "9"]
    assert runs([1]) == ["1"] and runs([3, 2, 1]) == ["3", "2", "1"]
    assert span((0, float("inf"))) == "0 and over" and span((-3, 39)) == "−3 to 39"
    assert span((11111, 1_234_567)) == "11111 to 1234567"
    rate = REGISTRY.measure("school-attendance").scale("absence-rate")
    said = [text for _, text in bands_said(rate.band_systems[0].bands, rate)]
    assert said == ["0 to below 10", "10 to below 50", "50 to 100"]
    assert range_said(rate) == "0 to 100, higher is worse"
