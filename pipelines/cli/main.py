"""The command `gongkai`: lists its groups once and turns errors into exit codes."""

import sys

import typer
from rich.console import Console

from pipelines.cli import data_commands, dataset_commands, operate_commands, privacy_commands, schema_commands
from pipelines.cli.output import language
from pipelines.memory_limit import out_of_memory, ran_out_of_memory
from schemas.errors import ConfigurationError, DependencyFailed, GongkaiError

app = typer.Typer(
    name="gongkai",
    help="公开 Gongkai: publish government data. 政府数据开放平台。",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
data_commands.add_to(app)
schema_commands.add_to(app)
dataset_commands.add_to(app)
privacy_commands.add_to(app)
operate_commands.add_to(app)


def main() -> None:
    """Entry point."""
    try:
        app()
    except (GongkaiError, MemoryError, OSError, RuntimeError) as error:
        told = out_of_memory() if ran_out_of_memory(error) else error
        if not isinstance(told, GongkaiError):
            raise
        print_error(told)
        sys.exit(exit_code(told))


def exit_code(error: GongkaiError) -> int:
    if isinstance(error, ConfigurationError):
        return 2
    return 3 if isinstance(error, DependencyFailed) else 1


def print_error(error: GongkaiError) -> None:
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    mark = {"zh": "错误", "en": "error"}[language()]
    field = f" [{error.field}]" if error.field else ""
    console.print(f"{mark} {error.code}{field}: {error.message.to(language())}", style="red", markup=False)
    if error.remedy:
        console.print(error.remedy.to(language()), markup=False)
