"""Whether a change of a recipe predicts better: out-of-fold, by person, paired, chosen on half A, reported on half B.

Trains variants of the networks of `quality_base.yaml` (`quality_variants.py`) with several seeds, on the folds that it
makes of the people. What a workspace has is not trained again: an interrupted run continues, and a variant that is
added later trains alone. Needs neither Prefect nor MLflow. Prints a Markdown table for each subject, and the command of
each row:

`A`, `B`      macro-F1 on two halves of the people, mean over seeds ± their standard deviation, and the difference to
              the base with the 95 % interval of the bootstrap over people. Choose on A, report B.
`all`         macro-F1, difference and accuracy on all people.
`hold-out`    `--holdout`: macro-F1 and share found of each class on photographed masks, by the mean over the folds.
`seconds`     processor time of the trainings of all folds, mean over seeds.

    python bench/quality.py --data DIR --workspace DIR [--weights DIR] [--holdout DIR] [--external FILE ...]
        [--variants SUBJECT[/NAME],...] [--seeds N] [--slots N] [--backbone NAME] [--people N] [--set KEY=VALUE ...]
        [--report]
"""

from __future__ import annotations

import argparse
import logging
import statistics
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from quality_holdout import described
from quality_material import Given, Trained, materials
from quality_results import Results
from quality_scores import HALVES, Truth, mean_and_spread, shown
from quality_trainings import train
from quality_variants import BASE, VARIANTS, check, chosen, members

from maskfold.cores import usable_cores
from maskfold.errors import MaskfoldError


def main() -> int:
    """Train what is missing and print the tables."""
    arguments = _arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("bench").setLevel(logging.WARNING)
    try:
        if not Path(arguments.data).is_dir():
            raise ValueError(f"--data {arguments.data}: no such folder; name a data set in the competition's layout")
        check()
        _run(arguments, list(chosen(arguments.variants)))
    except (ValueError, MaskfoldError) as error:
        print(f"quality: {error}", file=sys.stderr)
        return 2
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--weights", action="append", default=[], help="as of `maskfold run`")
    parser.add_argument("--holdout", type=Path, help="folder with labels.csv (path, mask) and the photographs")
    parser.add_argument("--external", action="append", default=[], help="external table, for variants that use it")
    parser.add_argument("--variants", help="such as age,vote/base; all by default")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--slots", type=int, default=usable_cores(), help="trainings at a time")
    parser.add_argument("--backbone", help="of every network, in place of the recipe's")
    parser.add_argument("--people", type=int, help="only so many, for a trial")
    parser.add_argument("--set", action="append", default=["labels.age_bounds=[45, 60]"], metavar="KEY=VALUE")
    parser.add_argument("--report", action="store_true", help="train nothing, print what is there")
    return parser.parse_args()


def _run(arguments: argparse.Namespace, wanted: list[tuple[str, str]]) -> None:
    given = Given(
        arguments.data,
        arguments.workspace,
        tuple(arguments.weights),
        tuple(arguments.external),
        tuple(arguments.set),
        arguments.backbone,
        arguments.people,
    )
    # All variants of a seed together, so that an unfinished run can be compared, too.
    trained: dict[Trained, None] = {
        (network, variant, seed): None
        for seed in range(arguments.seeds)
        for subject, name in wanted
        for network, variant in members(subject, name).items()
    }
    arguments.workspace.mkdir(parents=True, exist_ok=True)
    made = {one: material for material in materials(given, trained) for one in material.specs}
    if not arguments.report:
        train([spec for one in trained for spec in made[one].specs[one]], arguments.slots)
    results = Results(made, arguments.holdout)
    for subject in VARIANTS:
        names = [name for asked, name in wanted if asked == subject]
        if names:
            print(f"\n### {subject}\n")
            print("\n".join(_table(results, subject, names, arguments.seeds)))
            command = " ".join(_command(sys.argv[1:]))
            print("\n".join(f"- {name}: `{command} --variants {subject}/{name}`" for name in names), flush=True)


def _command(given: Sequence[str]) -> Iterator[str]:
    """Yield the command line without the choice of variants."""
    yield "python bench/quality.py"
    skipped = False
    for word in given:
        if not skipped and not word.startswith(("--variants", "--report")):
            yield f"'{word}'" if set(word) & set(" []*") else word
        skipped = word == "--variants"


def _table(results: Results, subject: str, names: Sequence[str], seeds: int) -> Iterator[str]:
    """Yield the lines of a subject's table; a variant without a finished seed has none."""
    heads = ["variant", "seeds", "A", "A - base", "B", "B - base", "all", "all - base", "accuracy"]
    heads += ["attributes", "hold-out", "seconds", "why"]
    yield f"| {' | '.join(heads)} |"
    yield f"{'|---' * len(heads)}|"
    done = {
        name: {seed: found for seed in range(seeds) if (found := results.trainings(subject, name, seed))}
        for name in names
    }
    weights = {name: VARIANTS[subject][name].weights for name in names}
    base = {seed: results.judged(trainings, weights[BASE]) for seed, trainings in done[BASE].items()}
    for name, by_seed in done.items():
        if not by_seed:
            continue
        judged = {seed: results.judged(trainings, weights[name]) for seed, trainings in by_seed.items()}
        truth = Truth(results.made[next(iter(by_seed.values()))[0]])
        both = sorted(set(judged) & set(base)) if name != BASE else []
        cells = [name, str(len(judged))]
        pairs = [judged[seed] for seed in both], [base[seed] for seed in both]
        for half in HALVES:
            cells.append(mean_and_spread([truth.score(one, half) for one in judged.values()]))
            cells.append(shown(truth.difference(*pairs, half)) if both else "-")
        cells.append(mean_and_spread([truth.score(one) for one in judged.values()]))
        cells.append(shown(truth.difference(*pairs)) if both else "-")
        cells.append(f"{statistics.fmean(truth.accuracy(one) for one in judged.values()):.3f}")
        parts = [truth.attributes(one) for one in judged.values()]
        means = [f"{part} {statistics.fmean(one[part] for one in parts):.3f}" for part in parts[0]]
        cells.append(", ".join(means) or "-")
        photographed = [results.on_holdout(one, weights[name]) for one in by_seed.values()]
        cells.append(described([found for found in photographed if found]))
        cells.append(f"{statistics.fmean(results.seconds(one) for one in by_seed.values()):.0f}")
        yield f"| {' | '.join([*cells, VARIANTS[subject][name].why])} |"


if __name__ == "__main__":
    sys.exit(main())
