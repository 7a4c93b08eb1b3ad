def sync(
    workspace: Annotated[str, typer.Option(metavar="URI", help="Workspace of the runs: a folder, file:// or s3://.")],
    tracking_uri: Annotated[
        str, typer.Option(metavar="URI", help="MLflow to use instead of MLFLOW_TRACKING_URI.", show_default=False)
    ] = "",
) -> None:
    """Record in MLflow what it does not have yet of a workspace's runs. Adds nothing twice."""
    with _exit_codes(verbose=False):
        from maskfold import storage, tracking

        logging.basicConfig(format="%(message)s", level=logging.WARNING)
        tracking.refuse_unusable_uri(tracking_uri)
        report = tracking.sync(storage.open_workspace(workspace), tracking_uri or None)
        if report == tracking.SyncReport():
            raise errors.WorkspaceError(
                f"{workspace}: this workspace has no record of a run; name the workspace of a finished run"
            )
        print(f"{report.complete} runs recorded, {report.incomplete} incomplete, {report.running} still running")
        if report.away:
            raise errors.UnavailableError(f"MLflow does not take records now: {report.away}; run again later")
        if report.incomplete:
            raise errors.MaskfoldError("not everything is recorded, see above; run again to try again")


