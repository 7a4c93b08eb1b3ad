"""Effect of each choice of optimizer, loss, mixing and sampler: one factor at a time, from the recipe `fast`.

Not part of `make bench`, as it trains for about an hour on two cores. Every variant is a network of one recipe, so all
of them see the same crops, folds and validation images, an interrupted run continues, and a variant that is added
later trains alone. Prints a Markdown table of the out-of-fold macro-F1 over the 18 classes, mean and standard
deviation over seeds.

    python bench/quality_factors.py --data DIR --workspace DIR [--weights DIR] [--seeds N] [--set KEY=VALUE ...]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from maskfold.recipe import dump_recipe, load_recipe

BASE = "base"
VARIANTS: dict[str, dict[str, Any]] = {
    BASE: {},
    "adam": {"optimizer": {"name": "adam", "lr": 0.001}},
    "madgrad": {"optimizer": {"name": "madgrad", "lr": 0.001}},
    "focal": {"loss": {"name": "focal", "gamma": 2.0}},
    "label-smoothing": {"loss": {"name": "label-smoothing", "smoothing": 0.1}},
    "soft-f1": {"loss": {"name": "soft-f1"}},
    "cutmix-strip": {"cutmix": {"p": 0.5, "shape": "strip"}},
    "cutmix-off": {"cutmix": {"p": 0.0}},
    "balanced": {"sampler": "balanced"},
}
"""What each variant changes in the recipe's joint network."""


def main() -> None:
    """Train all variants and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--weights", help="as of `maskfold run`")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="as of `maskfold run`")
    arguments = parser.parse_args()
    arguments.workspace.mkdir(parents=True, exist_ok=True)
    recipe = arguments.workspace / "factors.yaml"
    recipe.write_text(_recipe(arguments.set, arguments.seeds), encoding="utf-8")
    command = [sys.executable, "-m", "maskfold", "run", "--data", arguments.data, "--recipe", str(recipe)]
    command += ["--workspace", str(arguments.workspace)]
    command += ["--weights", arguments.weights] if arguments.weights else []
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    submission = json.loads(done.stdout.splitlines()[-1])["submission"]
    print(_table(pd.read_csv(Path(submission).with_name("scores.csv")), arguments.seeds))


def _recipe(overrides: list[str], seeds: int) -> str:
    fast = load_recipe("fast", overrides)
    joint = yaml.safe_load(dump_recipe(fast))
    (network,) = (one for one in joint["networks"] if one["target"] == "joint")
    joint["name"], joint["description"] = "factors", "One factor at a time from the joint network of fast."
    joint["networks"] = [
        network | changes | {"name": f"{variant}-{seed}", "seed": seed}
        for seed in range(seeds)  # all variants of a seed together, so that an unfinished run can be compared too
        for variant, changes in VARIANTS.items()
    ]
    return yaml.safe_dump(joint, sort_keys=False)


def _table(scores: pd.DataFrame, seeds: int) -> str:
    by_voter = scores.set_index("voter")
    lines = ["| variant | macro-F1, mean ± sd | by seed | mask | gender | age |", "|---|---|---|---|---|---|"]
    for variant in VARIANTS:
        rows = by_voter.loc[[f"{variant}-{seed}" for seed in range(seeds)]]
        values = rows["macro_f1"].tolist()
        spread = statistics.stdev(values) if seeds > 1 else float("nan")
        accuracies = " | ".join(f"{rows[f'{name}_accuracy'].mean():.3f}" for name in ("mask", "gender", "age"))
        each = ", ".join(f"{value:.3f}" for value in values)
        lines.append(f"| {variant} | {statistics.fmean(values):.3f} ± {spread:.3f} | {each} | {accuracies} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
