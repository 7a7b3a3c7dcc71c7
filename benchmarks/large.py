"""`evalkit run` of Growing Together with 20,000 people: python benchmarks/large.py [people]

The example's own script makes the tables in a temporary folder, larger; the evaluation is the example's.
The command runs as a user runs it, in a process of its own: matching, results, the lost, hidden bias,
both reports and the findings file.

Exits with 1 where it takes a minute or more, or 2 GB or more at its peak.
"""

from __future__ import annotations

import importlib.util
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples" / "growing-together"
PEOPLE = 20_000
MOST_SECONDS, MOST_MIB = 60.0, 2048.0
PEOPLE_A_FAMILY = 3.46


def maker() -> ModuleType:
    """Return the example's script, which is not part of the package."""
    spec = importlib.util.spec_from_file_location("make_growing_together", EXAMPLE / "make_data.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def write(folder: Path, people: int) -> int:
    """Write the evaluation and its tables; return how many people they hold."""
    shutil.copy(EXAMPLE / "evaluation.yaml", folder)
    script = maker()
    tables = script.make_tables(
        script.SEED, families=round(people / PEOPLE_A_FAMILY / (1 + 1 / 30))
    )
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    return len(tables["people"])


def run(folder: Path) -> float:
    """Run the command and return its seconds."""
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "evalkit", "run", "evaluation.yaml", "--out", "reports"],
        cwd=folder, check=True, capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    return time.perf_counter() - start


def main() -> int:
    """Print people, seconds and peak memory; return 1 where a limit is not met."""
    people = int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE
    with tempfile.TemporaryDirectory() as name:
        found = write(Path(name), people)
        seconds = run(Path(name))
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{found:,} people: {seconds:.1f} s (limit {MOST_SECONDS:.0f}), "
          f"{memory:,.0f} MiB at the peak (limit {MOST_MIB:,.0f})")  # fmt: skip
    return int(seconds >= MOST_SECONDS or memory >= MOST_MIB)


if __name__ == "__main__":
    sys.exit(main())
