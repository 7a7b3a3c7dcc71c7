"""The command line: arguments in, calls, and exit codes out. Nothing is computed here.

Exit codes: 0 fine, 1 something the user can fix, 2 wrong use of the command. Whatever is heavy is
imported inside the command that needs it, so that `evalkit --help` answers at once.

adding.py          evalkit measures new and measures check: a measure of one's own, in one file
allocated_list.py  The allocation list
allocating.py      One run of evalkit randomise: what was asked, the log as it is, the log as it will be
cataloguing.py     evalkit measures catalogue: every measure on one page
checking.py        evalkit check: every problem at once, or what was read and what is missing. No results
commands.py        The command evalkit and its commands
demonstrating.py   evalkit demo: the bundled examples, copied and run
diagnosing.py      evalkit diagnose
exporting.py       evalkit measures export: a measure as a form to collect answers with
flagging.py        What must reach a person
later.py           Commands of a later version, refused by name rather than unknown
listing.py         evalkit measures and evalkit designs: what the registry holds
options.py         The options that several commands share
output.py          Everything the command line writes to the screen: words, JSON, problems and progress
powering.py        evalkit power: which design could show which effect, before any data exist
randomising.py     evalkit randomise: allocate units from a seed, keep a log, and check a log
running.py         evalkit run: analyse and write the reports
scoring.py         evalkit score: item answers in a file to scores in a csv file beside it
searching.py       The filters of evalkit measures list, and what is said where nothing fits
starting.py        evalkit new: a folder to start from, with a commented evaluation and empty tables
writing.py         csv that a spreadsheet cannot take for formulas, written whole or not at all
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run `evalkit`; the console script."""
    from evalkit.cli.commands import app

    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="replace")
    app(prog_name="evalkit")
