"""Compare the best trials of a search with the recipe as it is, with fresh seeds; draw the page."""

from __future__ import annotations

import sys

from maskfold.launch import entry
from maskfold.recipe import dump_recipe
from maskfold.report.tuning import tuning_page
from maskfold.specs import TuneOutcome, TuneSpec
from maskfold.study.rules import adopted
from maskfold.study.scoring import score_trials
from maskfold.study.tuning import sentences, trial_table


def run(spec: TuneSpec, job: entry.Job) -> TuneOutcome:
    """Score the confirmation, name the recipe to go on with."""
    workspace = job.workspace
    confirmed = score_trials(spec.confirmation, spec.prepared, workspace.fetch) if spec.confirmation else ()
    for sentence in sentences(spec.trials, confirmed):
        job.log.info("%s", sentence)
    best = adopted(confirmed)
    # The fresh seeds were for the confirmation alone.
    recipe = next(one.recipe for one in spec.confirmation if one.variant == best.name) if best else spec.base
    winner = dump_recipe(recipe.model_copy(update={"networks": spec.seeds_of_base(recipe)}))
    table = trial_table(spec.trials)
    parquet = job.scratch / "trials.parquet"
    table.to_parquet(parquet, index=False)
    page = tuning_page(spec, confirmed, winner, job.scratch)
    return TuneOutcome(
        confirmed=confirmed,
        adopted=best is not None,
        gain=best.difference if best else 0.0,
        low=best.low if best else 0.0,
        high=best.high if best else 0.0,
        table=workspace.publish(parquet, f"{job.address}/trials.parquet"),
        csv=workspace.write(f"{job.address}/trials.csv", table.to_csv(index=False, lineterminator="\n").encode()),
        page=workspace.write(f"{job.address}/tuning.html", page.encode()),
        winner=workspace.write(f"{job.address}/winner.yaml", winner.encode()),
        seconds=job.seconds,
    )


if __name__ == "__main__":
    sys.exit(entry.main(run, TuneSpec))
