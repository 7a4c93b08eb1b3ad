"""How many wrong labels an audit finds, and how many right ones it suspects, by the share of wrong ones in training.

The real photographs beside the project get wrong labels: of a share of the people half the wrong gender, half two
interchanged photographs (worn wrongly against bare). Networks are trained on them, the run is audited, and for each
kind recall and precision are printed, of all that is listed and of what is called sure. Share 0 tells how many people
with right labels are called sure. One JSON line for each share and seed, then the table for RESULTS.md.

    python bench/bench_audit.py [--shares 0 0.005 0.01 0.02 0.05] [--seeds 3] [--people 400] [--set KEY=VALUE ...]

With the defaults that is fifteen runs of the recipe `fast`: hours on two cores. Suspects of gender and mask do not
depend on the networks for age, which `--set networks.age.epochs=1 networks.age-2.epochs=1` makes quick.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from mislabelled import audited, folders_of, mislabel

SHARED = Path(__file__).parents[2] / "shared"
BOUNDS = "scheme.attributes.age.bounds=[45,60]"
"""Those that the real photographs need."""
KINDS = ("attribute of a person", "swapped photographs")


@dataclass(frozen=True)
class Planted:
    """Wrong labels."""

    wrong: dict[str, set[str]]
    """Ids of people, by kind."""

    def judge(self, table: pd.DataFrame) -> dict[str, dict[str, float]]:
        """Return recall and precision of each kind; the precision of a weak hint counts nowhere."""
        strong = table[(table["grade"] != "weak") & table["kind"].isin(KINDS)]
        found = {}
        for kind in KINDS:
            for name, rows in (("listed", strong), ("sure", strong[strong["grade"] == "sure"])):
                people = {person.split("_")[0] for person in rows.loc[rows["kind"] == kind, "person"]}
                hits = len(people & self.wrong[kind])
                found[f"{kind}, {name}"] = {
                    "recall": hits / len(self.wrong[kind]) if self.wrong[kind] else float("nan"),
                    "precision": hits / len(people) if people else float("nan"),
                    "suspected": len(people),
                }
        return found


def plant(folder: Path, share: float, seed: int, people: int) -> Planted:
    """Copy the real photographs of some people with a share of wrong labels."""
    source = SHARED / "realdata"
    names = folders_of(source)[:people]
    random = np.random.default_rng(seed)
    chosen = [names[place] for place in random.choice(len(names), round(share * len(names)), replace=False)]
    flipped, swapped = set(chosen[::2]), set(chosen[1::2])
    mislabel(source, folder, names, flipped, swapped)
    ids = [{path.split("_")[0] for path in some} for some in (flipped, swapped)]
    return Planted(dict(zip(KINDS, ids, strict=True)))


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shares", type=float, nargs="+", default=[0, 0.005, 0.01, 0.02, 0.05])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--people", type=int, default=400)
    parser.add_argument("--set", nargs="*", default=[], help="settings of the recipe")
    arguments = parser.parse_args()
    settings, weights = [BOUNDS, *arguments.set], [str(SHARED / "weights")]
    rows = []
    for seed in range(arguments.seeds):  # so that a run that is stopped has some of each share
        for share in arguments.shares:
            with tempfile.TemporaryDirectory(prefix="bench-audit-") as scratch:
                planted = plant(Path(scratch) / "data", share, seed, arguments.people)
                found = planted.judge(audited(Path(scratch) / "data", Path(scratch) / "workspace", settings, weights))
            print(json.dumps({"share": share, "seed": seed, **found}), flush=True)
            rows += [{"share": share, "kind": kind, **one} for kind, one in found.items()]
    table = pd.DataFrame(rows).groupby(["share", "kind"], sort=True).mean().round(2).reset_index()
    print("| wrong labels | kind | recall | precision | suspected people |\n|---|---|---|---|---|")
    for row in table.itertuples():
        print(f"| {row.share:.1%} | {row.kind} | {row.recall} | {row.precision} | {row.suspected} |")


if __name__ == "__main__":
    main()
