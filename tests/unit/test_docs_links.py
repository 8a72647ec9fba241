"""Links and commands of README and docs exist; no tracked file knows a machine or a registry."""

import re
import subprocess
from pathlib import Path

import pytest
from typer.main import get_command

from pipelines.cli.main import app

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "schemas" / "published").rglob("*.md")])
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)(?: \"[^\"]*\")?\)|!\[[^\]]*\]\(([^)\s]+)\)")
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|/")  # a scheme, or an address of the running site
FOREIGN = re.compile(
    r"/(?:home|root|Users|work)/\w|pypi\.org|files\.pythonhosted|registry\.npmjs|npmmirror|mirrors\.\w+\.(?:com|edu)"
)


def text_of(page: Path) -> str:
    """The page without its code, in which brackets are no links."""
    return re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text("utf-8"), flags=re.DOTALL)


def code_of(page: Path) -> list[str]:
    """Its blocks and spans of code."""
    text = page.read_text("utf-8")
    return re.findall(r"```.*?```|`[^`\n]+`|^    .+$", text, flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """Names of the headings, as they are rendered: lower case, hyphens for spaces, no punctuation."""
    headings = re.findall(r"^#{1,6} +(.+?) *$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    dead = []
    for target in ("".join(found) for found in LINK.findall(text_of(page))):
        if ELSEWHERE.match(target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            dead.append(target)
    assert dead == []


def test_no_tracked_file_knows_a_machine_or_a_registry() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    files = [ROOT / name for name in listed.decode().split("\0") if name]
    found = []
    for file in files:
        if file == Path(__file__).resolve() or not file.is_file():
            continue
        text = file.read_bytes().decode("utf-8", "ignore")
        found += [f"{file.relative_to(ROOT)}: {match[0]}" for match in FOREIGN.finditer(text)]
    assert found == []


def test_every_command_that_a_page_names_exists() -> None:
    root = get_command(app)
    wrong = []
    for page in PAGES:
        for line in re.findall(r"gongkai(?: [a-z]+){1,2}", " ".join(code_of(page))):
            words, command = line.split()[1:], root
            while words and (nested := getattr(command, "commands", None)) is not None:
                command = nested.get(words.pop(0))
                if command is None:
                    wrong.append(f"{page.relative_to(ROOT)}: {line}")
                    break
    assert wrong == []
