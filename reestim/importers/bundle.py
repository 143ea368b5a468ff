"""Write the dataset `simulated-2010`: facts copied or derived, the stylised world built, evidence simulated.

Nothing in it depends on the clock, the machine or the folder: two runs give the same bytes.
"""

from __future__ import annotations

import argparse
import math
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from reestim.data.dataset import load_dataset
from reestim.dims import SECTOR
from reestim.errors import InputError, Problem
from reestim.evidence.simulate import simulate_evidence, true_sigma
from reestim.evidence.truth import Truth
from reestim.importers import facts, stylised_world
from reestim.importers.dataset_toml import write_meta
from reestim.io.files import atomic_update
from reestim.io.resources import SIMULATED
from reestim.labels.patent_totals import patent_totals
from reestim.supply_chain.prices import relative_prices
from reestim.supply_chain.ree_rows import ree_input_output
from reestim.supply_chain.substitutability import substitutability

#: Files a person typed and edits; everything else in the folder is made from them and from ``sources/``.
TYPED_TABLES = ("elements", "application_sector", "element_exports", "policy", "trade_elasticities")

_DESCRIPTION = (
    "Rare earths around China's export restrictions of 2010. Prices, quotas, mine output, uses and element properties "
    "are published figures; the world economy of 2008 is stylised: its margins are real, its cells are made by gravity "
    "and RAS."
)
SYNTHETIC_SENTENCE = " Patents, their audit and the outcomes are simulated from the model at stated parameters."

#: Parameters behind the simulated files. σ is about 0.4 at average chemistry, in line with how US imports of rare
#: earths answered prices in 2011; κ between Acemoglu's lab-equipment model and state dependence; ξ from Bloom,
#: Schankerman and Van Reenen (2013). About 45,000 patents in all; those of a sector are spread over countries and
#: years as all its patents are (``labels.patent_totals``).
SEED = 2010
EVIDENCE_YEARS = range(2000, 2015)
TRUTH = Truth(
    kappa=1.2,
    spillover=1.6,
    mu=-0.8,
    beta=(-0.25, -0.15, -0.1),
    tau=0.3,
    patents_per_cell=30.0,
    patent_growth=None,
    confusion=(
        (0.92, 0.05, 0.015, 0.015),
        (0.07, 0.86, 0.04, 0.03),
        (0.04, 0.07, 0.86, 0.03),
        (0.05, 0.05, 0.04, 0.86),
    ),
    audit_design="by_label",
    audit_size=800,
)

IMPUTED_FILES = (
    "application_sector.csv",
    "element_output.csv",
    "element_prices.csv",
    "elements.csv",
    "input_output.csv",
    "policy.csv",
    "trade.csv",
    "trade_elasticities.csv",
    "value_added.csv",
)

#: What a row of the stylised world says in ``source``.
WORLD_SOURCES = {
    "trade": "imputed: gravity and RAS on margins of WIOD 2013 (sources/world2008_*.csv)",
    "input_output": "imputed: mean coefficients and RAS on margins of WIOD 2013 (sources/world2008_*.csv)",
    "value_added": "imputed: output less inputs, two thirds of it to labour",
}

NOTES = (
    "Figures are read (seen in the source), recalled (from memory of it), imputed (the rule is in the column source) or"
    " simulated; verified is true only for the first.",
    "trade.csv, input_output.csv and value_added.csv come from marginals of the World Input-Output Database, 2013"
    " release, in sources/; labour gets two thirds of value added everywhere (imputed).",
    "Mine output is split into elements by the composition of world use in 2008 (imputed).",
    "Patents, audit and outcomes are simulated by reestim.evidence.simulate with the parameters in [truth] and seed "
    f"{SEED}; sigma there is by sector.",
    "Simulated patents of a sector are spread over countries and years as all its patent families granted are (Science"
    " and Engineering Indicators 2020, National Science Board; public domain); sectors have 30 a cell on average.",
    "electronegativity is on the scale of Martynov and Batsanov; ionic_radius is Shannon's, 3+, six neighbours, pm;"
    " magnetic_moment is of the free 3+ ion by Hund's rules, in Bohr magnetons.",
)


def write_bundled(out: Path, facts_folder: Path = SIMULATED) -> list[Path]:
    """Build the dataset in ``out`` from the typed facts in ``facts_folder``; returns the files, sorted."""
    return write_dataset(out, lambda folder: _build(folder, facts_folder))


def write_dataset(out: Path, build: Callable[[Path], None]) -> list[Path]:
    """Have ``build`` fill a hidden folder, check what is there as a dataset, and add its files to ``out``.

    Returns the files, sorted. A failure leaves ``out`` as it was.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    with atomic_update(out) as folder:
        build(folder)
        load_dataset(folder)
        names = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return [out / name for name in names]


def _build(folder: Path, facts_folder: Path) -> None:
    sources = facts_folder / "sources"
    shutil.copytree(sources, folder / "sources")
    copy_tables(facts_folder, folder, TYPED_TABLES)
    policy = pd.read_csv(folder / "policy.csv")
    export_tax = {str(e): float(x) for e, x in zip(policy["sector"], policy["export_tax"], strict=True)}
    world = stylised_world.world_tables(stylised_world.read_marginals(sources))
    tables = {
        "element_prices": facts.element_prices(sources, export_tax),
        "element_use": facts.element_use(sources),
        "element_output": facts.element_output(sources),
        "ree_use_panel": facts.ree_use_panel(sources),
        **{stem: table.assign(source=WORLD_SOURCES[stem], verified=False) for stem, table in world.items()},
    }
    for stem, table in tables.items():
        write_csv(table, folder / f"{stem}.csv")
    _write_meta(folder, {}, {})
    evidence, truth = _evidence(folder)
    for stem, table in evidence.items():
        write_csv(table, folder / f"{stem}.csv")
    _write_meta(folder, evidence, truth.to_dict())


def _evidence(folder: Path) -> tuple[dict[str, pd.DataFrame], Truth]:
    """Patents, audit and outcomes simulated on the economy of the folder, and the parameters with each sector's σ."""
    data = load_dataset(folder)
    io = ree_input_output(data)
    price = relative_prices(data, io)
    chemistry = substitutability(data, io)
    sigma = true_sigma(chemistry.sel({SECTOR: price[SECTOR]}), TRUTH, np.random.default_rng(SEED))
    drawn = {str(s): round(float(v), 3) for s, v in zip(sigma[SECTOR].values, sigma.values, strict=True)}
    truth = replace(TRUTH, sigma=drawn)
    totals = patent_totals(regions=True)
    evidence = simulate_evidence(io, price, chemistry, truth, SEED, years=EVIDENCE_YEARS, patent_totals=totals)
    source = simulated_source(SEED)
    return {stem: table.assign(source=source, verified=False) for stem, table in evidence.items()}, truth


def simulated_source(seed: int) -> str:
    """What a row of simulated evidence says in ``source``."""
    return f"simulated: from the model at the parameters in [truth] of dataset.toml, seed {seed}"


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Comma-separated UTF-8 with LF ends; numbers in the shortest form that reads back the same; true and false."""
    plain = table.copy()
    for name in plain.select_dtypes("bool").columns:
        plain[name] = ["true" if value else "false" for value in plain[name]]
    for name in plain.select_dtypes("float").columns:
        plain[name] = [_number(float(v)) for v in plain[name]]
    plain.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")


def _number(value: float) -> str:
    if math.isnan(value):
        return ""  # a cell that the file leaves empty
    return repr(int(value)) if value == int(value) else repr(value)


def _write_meta(folder: Path, synthetic: Mapping[str, pd.DataFrame], truth: Mapping[str, object]) -> None:
    """Write ``dataset.toml``."""
    keys: dict[str, object] = {
        "name": "simulated-2010",
        "description": _DESCRIPTION + (SYNTHETIC_SENTENCE if synthetic else ""),
        "base_year": facts.BASE_YEAR,
        "policy_year": 2010,
        "licence": "Apache-2.0 for the compilation; the figures are facts with their sources stated row by row",
        "host_sector": "chemicals",
        "synthetic": sorted(f"{stem}.csv" for stem in synthetic),
        "imputed": list(IMPUTED_FILES),
        "notes": list(NOTES),
    }
    write_meta(folder, keys, truth=truth)


def missing_originals(paths: Iterable[Path]) -> list[Problem]:
    """A problem for every original file that is not there."""
    advice = "Bring the file; data/README.md says where it is from"
    return [Problem("an original is missing", advice, file=str(path)) for path in paths if not path.exists()]


def originals_in(folder: Path, places: Mapping[str, str]) -> dict[str, Path]:
    """The originals of a dataset by name. Raises InputError naming every one that is not there."""
    paths = {name: folder / place for name, place in places.items()}
    if missing := missing_originals(paths.values()):
        raise InputError(missing, "the dataset cannot be made")
    return paths


def copy_tables(there: Path, folder: Path, stems: Iterable[str]) -> None:
    """Copy the CSV files of these names from one folder to another, which is made where it is not there."""
    folder.mkdir(exist_ok=True)
    for stem in stems:
        shutil.copyfile(there / f"{stem}.csv", folder / f"{stem}.csv")


def write_from_originals(
    write: Callable[[Path, Path, Path], Iterable[Path]],
    module: str,
    about: str | None,
    typed: Path,
    arguments: list[str] | None,
) -> None:
    """The command of a dataset that is made from original files and figures typed by hand; prints what it wrote."""
    parser = argparse.ArgumentParser(prog=f"python -m reestim.importers.{module}", description=about)
    parser.add_argument("--originals", type=Path, required=True, help="folder with the original files")
    parser.add_argument("--out", type=Path, required=True, help="folder to write; files in it are replaced")
    parser.add_argument("--typed", type=Path, default=typed, help="folder with the figures typed by hand")
    chosen = parser.parse_args(arguments)
    for path in write(chosen.out, chosen.originals, chosen.typed):
        print(path)


def main(arguments: list[str] | None = None) -> None:
    """Write the bundled dataset to ``--out``."""
    parser = argparse.ArgumentParser(prog="python -m reestim.importers.bundle", description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write; files in it are replaced")
    parser.add_argument("--facts", type=Path, default=SIMULATED, help="folder with the typed facts and sources/")
    chosen = parser.parse_args(arguments)
    for path in write_bundled(chosen.out, chosen.facts):
        print(path)


if __name__ == "__main__":
    main()
