"""The command line: arguments in, calls, and exit codes out. Nothing is computed here.

Exit codes: 0 fine, 1 something the user can fix, 2 wrong use of the command. Whatever is heavy is
imported inside the command that needs it, so that `evalkit --help` answers at once.
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
