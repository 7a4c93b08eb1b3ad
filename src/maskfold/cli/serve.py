"""The command that serves a model over HTTP."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maskfold.cli.endings import exit_codes
from maskfold.cli.options import WORKSPACE, Json, WorkspaceOption
from maskfold.cli.results import print_result
from maskfold.errors import InputError
from maskfold.loopback import is_loopback
from maskfold.serving.limits import MEBI, Limits
from maskfold.serving.token import SHORTEST, TOKEN_VARIABLE, read_token
from maskfold.wording import printable

if TYPE_CHECKING:
    import socket

    from maskfold.serving.current import CurrentModel

_DEFAULT = Limits()


def serve(
    model: Annotated[
        str, typer.Option(metavar="champion|run:latest|run:ID|URI", help="Which model; it may change while serving.")
    ] = "champion",
    workspace: WorkspaceOption = WORKSPACE,
    host: Annotated[str, typer.Option(help="Address to listen on; any but this machine's own needs a token.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 chooses a free one.")] = 8000,
    token_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=f"Clients must show the token in this file, of at least {SHORTEST} characters; default: "
            f"${TOKEN_VARIABLE}.",
        ),
    ] = None,
    look_seconds: Annotated[
        float, typer.Option(min=0, help="Look so often whether another model is meant now; 0: never.")
    ] = 10.0,
    max_mib: Annotated[int, typer.Option(min=1, max=1024, help="MiB of one request.")] = _DEFAULT.body_bytes // MEBI,
    max_images: Annotated[int, typer.Option(min=1, max=1000, help="Photographs in one request.")] = _DEFAULT.images,
    max_megapixels: Annotated[int, typer.Option(min=1, max=80, help="Million pixels of one photograph.")] = (
        _DEFAULT.pixels // 1_000_000
    ),
    queue: Annotated[
        int, typer.Option(min=1, max=100_000, help="Photographs that may wait; more get 429.")
    ] = _DEFAULT.queue,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds until an answer; then 504.")] = (
        _DEFAULT.answer_seconds
    ),
    json: Json = False,
) -> None:
    """Answer over HTTP: photographs in, classes and probabilities out; Ctrl-C stops it."""
    with exit_codes(verbose=False):
        token = _token(token_file, host)
        if max_images > queue:
            raise InputError(f"--max-images {max_images}: more than --queue {queue} could never be answered")
        from maskfold.models import find_model
        from maskfold.serving.address import listen
        from maskfold.serving.current import digest_of

        found = find_model(model, workspace)
        digest_of(found)
        for said in filter(None, (found.said, found.warning)):
            print(printable(f"maskfold: {said}"), file=sys.stderr)

        with listen(host, port) as listener:
            from maskfold.serving import server

            url = _url(host, listener)

            def show(current: CurrentModel) -> None:
                if (loaded := current.loaded) is None:
                    return
                print(f"maskfold: serving at {url}; Ctrl-C stops", file=sys.stderr)
                described = {"model": loaded.model.name, "key": loaded.model.key, "digest": loaded.digest}
                print_result({"url": url, **described}, json)

            limits = Limits(
                body_bytes=max_mib * MEBI,
                images=max_images,
                pixels=max_megapixels * 1_000_000,
                queue=queue,
                answer_seconds=timeout,
            )
            service = server.Service(model, workspace, host, token, limits, look_seconds)
            ended_by = server.serve(service, found, listener, show)
            code = server.exit_code(ended_by)
    raise SystemExit(code)


def _token(token_file: Path | None, host: str) -> str | None:
    """Return what clients must show; other machines must show something."""
    token = read_token(token_file)
    # The processes and libraries that come next need not know it, and nothing can print it.
    os.environ.pop(TOKEN_VARIABLE, None)
    if token is None and not is_loopback(host):
        raise InputError(
            f"--host {host}: other machines could reach it, so it needs a token: --token-file FILE or "
            f"{TOKEN_VARIABLE}; without one, --host 127.0.0.1"
        )
    return token


def _url(host: str, listener: socket.socket) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listener.getsockname()[1]}"
