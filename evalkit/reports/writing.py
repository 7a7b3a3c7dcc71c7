"""Write a report to a file; what kind of file follows the suffix."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from evalkit.errors import InvalidInput, NotAvailable

if TYPE_CHECKING:
    from evalkit.analysis import Analysis
    from evalkit.study import Study

KINDS = ("summative", "formative")
LATER = (".docx", ".md", ".pdf")


def write_report(source: Study | Analysis, path: str | Path, kind: str | None = None) -> Path:
    """Write a summative (.html, .json) or formative (.html) report and return its path.

    Raises InvalidInput where the kind or suffix does not fit, NotAvailable for a suffix of a later
    version.
    """
    place = Path(path)
    text = report_text(source, place.suffix.lower(), kind)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8", newline="\n")
    return place


def report_text(source: Study | Analysis, suffix: str, kind: str | None = None) -> str:
    """Return a report as text."""
    from evalkit.analysis import Analysis
    from evalkit.reports.findings import findings_file, plain
    from evalkit.reports.formative import formative_page
    from evalkit.reports.summative import summative_page

    analysed = isinstance(source, Analysis)
    kind = kind or ("summative" if analysed else "formative")
    if kind not in KINDS:
        raise InvalidInput(f"There is no report of kind '{kind}'. Allowed: {', '.join(KINDS)}.")
    if suffix in LATER:
        raise NotAvailable(f"{suffix} is not available in this version. Use .html or .json.")
    if suffix not in (".html", ".json"):
        raise InvalidInput(f"A report cannot be written as '{suffix}'. Allowed: .html, .json.")
    if kind == "formative":
        if suffix == ".json":
            raise InvalidInput("findings.json holds results: it goes with the summative report.")
        return formative_page(source.study if isinstance(source, Analysis) else source)
    if not isinstance(source, Analysis):
        raise InvalidInput("A summative report needs results: pass study.analyse().")
    if suffix == ".json":
        return (
            json.dumps(plain(findings_file(source)), indent=1, ensure_ascii=False, allow_nan=False)
            + "\n"
        )
    return summative_page(source)
