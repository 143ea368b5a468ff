"""How the offline labeller does on texts that it never learns from.

    python -m benchmarks.label_holdout                 # benchmarks/label_holdout.csv
    python -m benchmarks.label_holdout mine.csv        # labelled patents of your own

``label_holdout.csv`` has 109 texts, as long and as dry as real abstracts, that were written after the corpus and the
cues. They are synthetic. Prints agreement, the confusion, the share of ``using`` that is called ``enhancing``, the
share right by sector and kind of difficulty, and which texts are wrong.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pandas as pd

from reestim.labels import offline
from reestim.labels.agreement import Agreement, agreement, confusion_counts
from reestim.labels.patents import HUMAN, read_patents

FILE = Path(__file__).with_suffix(".csv")
MACHINE = "machine_label"


def judged(labeller: offline.OfflineLabeller, path: Path = FILE) -> Any:
    """The texts of a file with a human label in every row, and ``machine_label``."""
    texts = read_patents(path, human_labels=True)
    return texts.assign(**{MACHINE: labeller.label(texts)["label"]})


def scores_of(texts: Any) -> Agreement:
    """Agreement of people and machine."""
    return agreement(confusion_counts(list(texts[HUMAN]), list(texts[MACHINE])), "random")


def taken_for_enhancing(texts: Any) -> float:
    """Share of ``using`` that the machine calls ``enhancing``: what hurts the economics most."""
    using = texts[texts[HUMAN] == "using"]
    return float((using[MACHINE] == "enhancing").mean())


def main(arguments: list[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path, nargs="?", default=FILE, help="labelled patents")
    texts = judged(offline.train(), parser.parse_args(arguments).file)
    unlabelled = texts[MACHINE] == ""
    scores, right = scores_of(texts[~unlabelled]), texts[HUMAN] == texts[MACHINE]
    words = texts["abstract"].str.split().str.len()
    print(f"{len(texts)} texts of {words.mean():.0f} words on average, {int(unlabelled.sum())} without a label")
    print(f"accuracy {scores.accuracy}, macro-F1 {scores.macro_f1}, kappa {scores.kappa} (median [90 % equal-tailed])")
    print(f"using taken for enhancing: {taken_for_enhancing(texts):.1%}\n")
    print(pd.crosstab(texts[HUMAN], texts[MACHINE]).to_string(), "\n")
    groups = {"sector": texts["sector"]}
    groups |= {"kind": texts["hard"].replace("", "plain")} if "hard" in texts else {}
    for name, group in groups.items():
        print(right.groupby(group).agg(["mean", "size"]).rename_axis(name).round(2).to_string(), "\n")
    for name, label, called in texts.loc[~right, ["patent_id", HUMAN, MACHINE]].to_numpy():
        print(f"{name}: {label}, called {called or 'nothing'}")


if __name__ == "__main__":
    main()
