"""The addresses of the server."""

from __future__ import annotations

from http import HTTPStatus
from importlib.resources import files
from typing import Annotated, Any, Final

from fastapi import FastAPI, Query, Request
from starlette.responses import HTMLResponse, JSONResponse, Response

import maskfold
from maskfold.serving.access import KNOWN
from maskfold.serving.current import CurrentModel
from maskfold.serving.description import DESCRIPTION, REQUEST_BODY, RESPONSES, documentation
from maskfold.serving.metrics import CONTENT_TYPE, Metrics
from maskfold.serving.predicting import Desk

_KINDS: Final = {"html": "text/html", "css": "text/css", "js": "text/javascript"}


def make_application(current: CurrentModel, desk: Desk, metrics: Metrics) -> FastAPI:
    """Return the application.

    Args:
        current: The model that answers.
        desk: Answers requests to predict.
        metrics: To show.
    """
    # Its own pages of documentation load scripts from elsewhere.
    app = FastAPI(
        title="maskfold", version=maskfold.__version__, description=DESCRIPTION, docs_url=None, redoc_url=None
    )

    @app.post(
        "/predict",
        summary="Answer for photographs",
        responses=RESPONSES,
        openapi_extra={"requestBody": REQUEST_BODY},
        response_class=JSONResponse,
    )
    async def predict(
        request: Request,
        all_faces: Annotated[
            bool, Query(description="Answer for every face of a photograph, instead of the one that is meant.")
        ] = False,
    ) -> Response:
        return await desk.predict(request, all_faces)

    @app.get("/health", summary="Whether the server is ready, and which model answers")
    async def health(request: Request) -> Response:
        model = current.loaded
        ready = model is not None and not desk.stopped
        found: dict[str, Any] = {"ready": ready}
        if model is not None and request.scope.get(KNOWN):
            found |= {"model": model.model.name, "key": model.model.key, "digest": model.digest}
        return JSONResponse(found, HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE)

    @app.get("/metrics", summary="What the server has counted, for Prometheus", response_class=Response)
    async def show_metrics() -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return HTMLResponse(documentation(app.openapi()))

    def page(name: str, address: str) -> None:
        content = (files("maskfold.serving") / "page" / name).read_bytes()
        kind = _KINDS[name.rpartition(".")[2]]

        @app.get(address, include_in_schema=False)
        async def show() -> Response:
            return Response(content, media_type=kind)

    for name, address in (("page.html", "/"), ("page.css", "/page.css"), ("page.js", "/page.js")):
        page(name, address)
    return app
