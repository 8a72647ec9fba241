"""Run the benchmarks named, or all, each in a process of its own so that memory figures are its own."""

import json
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks import Row

HERE = Path(__file__).parent
CHILD = "import json, sys, importlib; print('\\n' + json.dumps(importlib.import_module(sys.argv[1]).run()))"


def main(topics: list[str]) -> int:
    known = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    if unknown := set(topics) - set(known):
        print(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(known)}", file=sys.stderr)
        return 2
    table = Table("benchmark", "measured", "goal", "met")
    failed = 0
    for topic in topics or known:
        module = f"tests.benchmarks.bench_{topic}"
        child = subprocess.run([sys.executable, "-c", CHILD, module], stdout=subprocess.PIPE, text=True, check=False)
        if child.returncode:
            failed += 1
            table.add_row(topic, "failed to run", "", "no")
            continue
        for row in (Row(*fields) for fields in json.loads(child.stdout.splitlines()[-1])):
            table.add_row(row.name, row.measured, row.goal, {True: "yes", False: "no", None: ""}[row.met])
    Console(width=140).print(table)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
