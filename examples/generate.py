"""Writes the source files of the sample city: `python -m examples.generate [FOLDER]`.

Every file has its own seed: changing one table leaves the other files as they are.
"""

import sys
from pathlib import Path
from random import Random

from examples.people import Firm, make_firms
from examples.source_files import write_csv, write_json, write_parquet, write_xlsx
from examples.tables.employment import make_employment_registrations
from examples.tables.enterprises import make_enterprise_register
from examples.tables.environment import air_quality_table, make_air_quality
from examples.tables.healthcare import make_medical_prices
from examples.tables.hotline import make_hotline_tickets
from examples.tables.penalties import make_penalties, spoil
from examples.tables.population import make_population_flow, population_flow_table
from examples.tables.transport import make_bus_lines, make_bus_stops

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
    stops = make_bus_stops(seeded("bus-stops"))
    penalties = make_penalties(seeded("administrative-penalties"), firms)
    write_csv(folder / "bus-stops.csv", stops)
    write_json(folder / "bus-lines.json", make_bus_lines(seeded("bus-lines"), stops))
    write_parquet(
        folder / "air-quality-hourly.parquet", air_quality_table(make_air_quality(seeded("air-quality-hourly")))
    )
    write_xlsx(
        folder / "medical-service-prices.xlsx", make_medical_prices(seeded("medical-service-prices")), "医疗服务价格"
    )
    write_csv(
        folder / "enterprise-register.csv", make_enterprise_register(seeded("enterprise-register"), firms), "gb18030"
    )
    write_csv(
        folder / "employment-registrations.csv",
        make_employment_registrations(seeded("employment-registrations"), firms),
    )
    write_parquet(
        folder / "resident-population-flow.parquet",
        population_flow_table(make_population_flow(seeded("resident-population-flow"))),
    )
    write_csv(folder / "hotline-tickets.csv", make_hotline_tickets(seeded("hotline-tickets"), firms), "utf-8")
    write_csv(folder / "administrative-penalties.csv", penalties, "gb18030")
    write_csv(folder / "administrative-penalties-with-errors.csv", spoil(penalties), "gb18030")
    return sorted(folder.iterdir())


if __name__ == "__main__":
    for written in generate(Path(sys.argv[1]) if len(sys.argv) > 1 else SOURCES):
        print(f"{written.stat().st_size:>9,} {written.name}")
