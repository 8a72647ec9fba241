"""Writes the source files of the sample city: `python -m examples.generate [FOLDER]`.

Every file has its own seed: changing one table leaves the other files as they are.
"""

import sys
from pathlib import Path
from random import Random

from examples.people import Firm, make_firms
from examples.source_files import write_csv
from examples.tables.employment import make_employment_registrations
from examples.tables.enterprises import make_enterprise_register
from examples.tables.transport import make_bus_stops

SOURCES = Path(__file__).parent / "city" / "sources"


def seeded(table: str) -> Random:
    """The generator of random numbers of one table."""
    return Random(f"lanchuan:{table}")


def city_firms() -> list[Firm]:
    """The firms that registers, registrations and penalties speak of."""
    return make_firms(seeded("firms"), 800)


def generate(folder: Path = SOURCES) -> list[Path]:
    """Write all source files into `folder`; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    firms = city_firms()
    write_csv(folder / "bus-stops.csv", make_bus_stops(seeded("bus-stops")))
    write_csv(
        folder / "enterprise-register.csv", make_enterprise_register(seeded("enterprise-register"), firms), "gb18030"
    )
    write_csv(
        folder / "employment-registrations.csv",
        make_employment_registrations(seeded("employment-registrations"), firms),
    )
    return sorted(folder.iterdir())


if __name__ == "__main__":
    for written in generate(Path(sys.argv[1]) if len(sys.argv) > 1 else SOURCES):
        print(f"{written.stat().st_size:>9,} {written.name}")
