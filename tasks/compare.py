"""Score variants of a recipe against the recipe as it is; draw the page."""

from __future__ import annotations

import sys

import pandas as pd

from maskfold.launch import entry
from maskfold.recipe import dump_recipe
from maskfold.report.comparison import comparison_page, verdict
from maskfold.specs import CompareOutcome, CompareSpec, File
from maskfold.study.curves import curve_table
from maskfold.study.scoring import score_trials, variant_table


def run(spec: CompareSpec, job: entry.Job) -> CompareOutcome:
    """Compare all trials with the base; name the recipe to go on with, unless that must be confirmed first."""
    workspace = job.workspace
    variants = score_trials(spec, workspace.fetch)
    for sentence in verdict(variants, confirmation=bool(spec.screened)):
        job.log.info("%s", sentence)
    adopted = bool(spec.screened) and variants[1].wins
    winner = None
    if spec.screened or not any(one.wins for one in variants):
        chosen = variants[1].name if adopted else variants[0].name
        winner = dump_recipe(next(trial.recipe for trial in spec.trials if trial.variant == chosen))
    curves = curve_table({trial.label: trial.trained for trial in spec.trials})
    table = variant_table(variants)

    def publish(name: str, frame: pd.DataFrame) -> File:
        path = job.scratch / name
        frame.to_parquet(path, index=False)
        return workspace.publish(path, f"{job.address}/{name}")

    page = comparison_page(spec, variants, curves, winner, job.scratch)
    return CompareOutcome(
        variants=variants,
        table=publish("variants.parquet", table),
        csv=workspace.write(f"{job.address}/variants.csv", table.to_csv(index=False, lineterminator="\n").encode()),
        curves=publish("curves.parquet", curves),
        page=workspace.write(f"{job.address}/comparison.html", page.encode()),
        winner=None if winner is None else workspace.write(f"{job.address}/winner.yaml", winner.encode()),
        adopted=adopted,
        seconds=job.seconds,
    )


if __name__ == "__main__":
    sys.exit(entry.main(run, CompareSpec))
