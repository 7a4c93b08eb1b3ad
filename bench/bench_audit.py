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
import csv
import importlib
import json
import logging
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from flows.plan import Plan, plan_run
from maskfold.launch import entry
from maskfold.launch.folder import find_outcome
from maskfold.specs import AuditSpec, Outcome, Spec

SHARED = Path(__file__).parents[2] / "shared"
BOUNDS = "scheme.attributes.age.bounds=[45,60]"
"""Those that the real photographs need."""
OutcomeT = TypeVar("OutcomeT", bound=Outcome)
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
    with (source / "train" / "train.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))[:people]
    random = np.random.default_rng(seed)
    chosen = [rows[place]["path"] for place in random.choice(len(rows), round(share * len(rows)), replace=False)]
    flipped, swapped = set(chosen[::2]), set(chosen[1::2])
    (folder / "eval" / "images").mkdir(parents=True)
    asked = sorted((source / "eval" / "images").iterdir())[:2]  # the layout has an evaluation part
    for image in asked:
        shutil.copy(image, folder / "eval" / "images")
    lines = ["ImageID,ans", *(f"{image.name},0" for image in asked), ""]
    (folder / "eval" / "info.csv").write_text("\n".join(lines), encoding="utf-8")
    for row in rows:
        old = row["path"]
        if old in flipped:
            row["gender"] = {"male": "female", "female": "male"}[row["gender"]]
            row["path"] = "_".join((old.split("_")[0], row["gender"], *old.split("_")[2:]))
        target = folder / "train" / "images" / row["path"]
        shutil.copytree(source / "train" / "images" / old, target)
        if old in swapped:
            [worn, bare] = [next(target.glob(f"{name}.*")) for name in ("incorrect_mask", "normal")]
            aside = worn.rename(target / f"aside{worn.suffix}")
            bare.rename(target / f"incorrect_mask{bare.suffix}")
            aside.rename(target / f"normal{aside.suffix}")
    with (folder / "train" / "train.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    ids = [{path.split("_")[0] for path in some} for some in (flipped, swapped)]
    return Planted(dict(zip(KINDS, ids, strict=True)))


def audited(data: Path, workspace: Path, settings: list[str]) -> pd.DataFrame:
    """Train, vote and audit in this process; return the suspects."""
    plan = plan_run(str(data), str(workspace), "fast", [BOUNDS, *settings], [str(SHARED / "weights")])
    weights = {backbone: given.adopt(plan.workspace) for backbone, given in plan.given_weights.items()}
    prepared = _run(plan, plan.prepare())
    cropped = _run(plan, plan.crop(prepared))
    folds = plan.train_folds(prepared, cropped, weights)
    trained = [_run(plan, spec) for spec in folds]
    evaluated = [_run(plan, spec) for spec in plan.predict_eval(prepared, cropped, folds, trained)]
    vote = plan.ensemble(prepared, cropped, trained, (), tuple(spec.key for spec in folds), evaluated)
    result = _run(plan, vote)
    asked = AuditSpec(workspace=plan.workspace.uri, ensemble_key=vote.key, run="bench", vote=vote, result=result)
    return pd.read_parquet(plan.workspace.fetch(_run(plan, asked).table))


def _run(plan: Plan, spec: Spec[OutcomeT]) -> OutcomeT:
    entry.run_spec(importlib.import_module(f"tasks.{spec.stage}").run, spec, logging.getLogger("bench"))
    found = find_outcome(plan.workspace, spec)
    assert found is not None
    return found


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shares", type=float, nargs="+", default=[0, 0.005, 0.01, 0.02, 0.05])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--people", type=int, default=400)
    parser.add_argument("--set", nargs="*", default=[], help="settings of the recipe")
    arguments = parser.parse_args()
    rows = []
    for seed in range(arguments.seeds):  # so that a run that is stopped has some of each share
        for share in arguments.shares:
            with tempfile.TemporaryDirectory(prefix="bench-audit-") as scratch:
                planted = plant(Path(scratch) / "data", share, seed, arguments.people)
                found = planted.judge(audited(Path(scratch) / "data", Path(scratch) / "workspace", arguments.set))
            print(json.dumps({"share": share, "seed": seed, **found}), flush=True)
            rows += [{"share": share, "kind": kind, **one} for kind, one in found.items()]
    table = pd.DataFrame(rows).groupby(["share", "kind"], sort=True).mean().round(2).reset_index()
    print("| wrong labels | kind | recall | precision | suspected people |\n|---|---|---|---|---|")
    for row in table.itertuples():
        print(f"| {row.share:.1%} | {row.kind} | {row.recall} | {row.precision} | {row.suspected} |")


if __name__ == "__main__":
    main()
