def ui(
    prefect_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the Prefect UI.")] = 4200,
    mlflow_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the MLflow UI.")] = 5000,
) -> None:
    """Show past runs in the Prefect and MLflow user interfaces, on this machine only; Ctrl-C stops them."""
    _quiet_servers()
    with _exit_codes(verbose=False):
        from maskfold.servers.pages import serve

        serve(prefect_port=prefect_port, mlflow_port=mlflow_port)


