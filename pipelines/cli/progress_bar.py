"""Progress of long work: a bar on a terminal, a plain line every few seconds elsewhere; both on standard error."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TaskID, TaskProgressColumn, TextColumn
from rich.progress import Progress as Bar
from rich.table import Column

from pipelines.cli.output import language
from pipelines.progress import Pacer, Progress, TellProgress
from pipelines.progress_words import STAGE_WORDS, told

EVERY = 5.0  # seconds between two plain lines
LABEL = 24  # columns of a terminal
WIDE = 80  # narrower terminals have no room for a label


@contextmanager
def stage_progress(label: str) -> Iterator[TellProgress]:
    """To be told how far the work on `label` is."""
    if not sys.stderr.isatty():
        yield plain_lines(label, lambda line: print(line, file=sys.stderr, flush=True))
        return
    console = Console(stderr=True)
    name = label if cell_len(label) <= LABEL else set_cell_size(label, LABEL - 1) + "…"
    bar = Bar(
        SpinnerColumn(),
        *([TextColumn(name, markup=False)] if console.width >= WIDE else []),
        TextColumn("{task.description}", table_column=Column(no_wrap=True)),
        BarColumn(bar_width=None, table_column=Column(ratio=1, min_width=8)),
        TaskProgressColumn(),
        TextColumn("{task.fields[figures]}", table_column=Column(no_wrap=True)),
        console=console,
        transient=True,
        refresh_per_second=8,
        expand=True,
    )
    with bar:
        yield _shown_on(bar)


def _shown_on(bar: Bar) -> TellProgress:
    pacer = Pacer()
    shown: list[tuple[str, TaskID]] = []

    def report(now: Progress) -> None:
        figures = told(now, pacer(now), language())
        if not shown or shown[0][0] != now.stage:
            for _, old in shown:
                bar.remove_task(old)
            name = STAGE_WORDS[now.stage].to(language())
            shown[:] = [(now.stage, bar.add_task(name, total=None, figures=""))]
        total = {} if now.share is None else {"total": 1.0, "completed": now.share}
        bar.update(shown[0][1], figures=figures, **total)  # type: ignore[arg-type]

    return report


def plain_lines(
    label: str, write: Callable[[str], None], clock: Callable[[], float] = time.monotonic, every: float = EVERY
) -> TellProgress:
    """Writes what it is told as lines: the first at once, then one in `every` seconds at most."""
    pacer, last = Pacer(clock), float("-inf")

    def report(now: Progress) -> None:
        nonlocal last
        pace = pacer(now)
        if clock() - last < every:
            return
        last = clock()
        share = "" if now.share is None else f" {now.share:.0%}"
        figures = told(now, pace, language())
        write(f"{label}: {STAGE_WORDS[now.stage].to(language())}{share}{' · ' if figures else ''}{figures}")

    return report
