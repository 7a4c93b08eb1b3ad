def run(
    data: Data,
    workspace: Annotated[
        str, typer.Option(metavar="URI", help="Where all results go: a folder, file:// or s3://bucket/prefix.")
    ],
    recipe: RecipeOption = "fast",
    set: Set = [],
    weights: Annotated[
        list[str],
        typer.Option(
            metavar="DIR|BACKBONE=URI",
            help="Initial weights: a folder of <backbone>.safetensors, or one file by name. Repeatable.",
        ),
    ] = [],
    launcher: Annotated[
        str, typer.Option(metavar="local|pool:NAME", help="Where jobs run: here, or in a Prefect work pool.")
    ] = "local",
    verbose: Verbose = False,
) -> None:
    """Crop, train, vote and publish a submission. Run again to continue: finished steps cost nothing."""
    _quiet_servers()
    if not verbose:  # the terminal shows the progress display; Prefect still stores every log line
        os.environ["PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"] = "CRITICAL"
        os.environ["PREFECT_INTERNAL_LOGGING_LEVEL"] = "CRITICAL"
    with _exit_codes(verbose), _ends_by_signal(), stopping_on_signals() as stop:
        from flows.plan import handed, plan_run
        from maskfold.launch import pool_of

        pool_of(launcher)
        plan = plan_run(data, workspace, recipe, set, weights)  # reports wrong input before any server starts
        with _prefect_settings():
            from flows.server import recording_server
            from flows.train import train_here
        from maskfold.console import showing_jobs

        with recording_server():
            print(printable(plan.said), file=sys.stderr)
            with showing_jobs(Console(stderr=True), plan.n_jobs), handed(plan), stop.ends_flow():
                summary = train_here(
                    data=data, workspace=workspace, recipe=recipe, set=set, weights=weights, launcher=launcher
                )
        _show_summary(summary)
    print(json.dumps(summary), flush=True)
    _warn_of_lost_output()


def _show_summary(summary: Mapping[str, Any]) -> None:
    """Print where the results are and how to view them."""
    rows = {
        "macro-F1, out-of-fold": f"{summary['oof_macro_f1']:.3f}",
        "submission": summary["submission"] or "no evaluation images, so no submission",
        "report": summary["report"],
        "figures": summary["report"].rpartition("/")[0] + "/figures/",
        "MLflow run": summary["mlflow_run_id"] or "not recorded yet; `maskfold sync` records it later",
        "to look at it": "open the report in a browser; `maskfold ui` (or `make ui`) shows all runs",
    }
    for name, value in rows.items():  # one line each at any width, so that paths can be copied
        print(f"{name:<23}{printable(value)}", file=sys.stderr)


