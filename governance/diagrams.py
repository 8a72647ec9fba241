"""State diagrams for the documentation, drawn from the transition tables.

`python -m governance.diagrams` writes them between their markers in docs/explanation; a test holds them equal.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from governance.access import transitions as access
from governance.release_review import transitions as review

DOCUMENTS: dict[str, Mapping[Any, Mapping[Any, Any]]] = {
    "review.md": review.TRANSITIONS,
    "access.md": access.TRANSITIONS,
}
BLOCK = re.compile(r"(<!-- states: begin -->\n).*?(<!-- states: end -->)", re.DOTALL)


def mermaid(transitions: Mapping[Any, Mapping[Any, Any]]) -> str:
    """A Mermaid state diagram: `from --> to: action`, in the table's order; states without a way out end."""
    lines = ["stateDiagram-v2"]
    for state, actions in transitions.items():
        begin = "[*]" if state is None else _name(state)
        lines += [f"    {begin} --> {_name(after)}: {action}" for action, after in actions.items()]
        if not actions:
            lines.append(f"    {begin} --> [*]")
    return "\n".join(lines)


def with_diagram(text: str, transitions: Mapping[Any, Mapping[Any, Any]]) -> str:
    """The page with its diagram put between the markers. Raises ValueError where there are none."""
    if not BLOCK.search(text):
        raise ValueError("the page has no place for its diagram")
    block = f"```mermaid\n{mermaid(transitions)}\n```\n"
    return BLOCK.sub(lambda found: found[1] + block + found[2], text)


def _name(state: Any) -> str:
    return str(state).replace("-", "_")


def main() -> None:
    folder = Path(__file__).parents[1] / "docs" / "explanation"
    for name, transitions in DOCUMENTS.items():
        path = folder / name
        path.write_text(with_diagram(path.read_text("utf-8"), transitions), "utf-8")


if __name__ == "__main__":
    main()
