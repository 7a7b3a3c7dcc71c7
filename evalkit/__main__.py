"""Run the command line as `python -m evalkit`."""

from __future__ import annotations

from evalkit.cli import main

if __name__ == "__main__":
    main()
