"""One request to predict, from its first byte to its answer."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from maskfold.serving.answering import reply
from maskfold.serving.body import Arrivals, Lease, Memory, chunks
from maskfold.serving.current import CurrentModel
from maskfold.serving.errand import Errand
from maskfold.serving.limits import Limits
from maskfold.serving.lingering import refusal
from maskfold.serving.metrics import Metrics
from maskfold.serving.pipeline import Pipeline
from maskfold.serving.refusal import GONE, SOON, RefusedError
from maskfold.serving.upload import Upload, uploads

if TYPE_CHECKING:
    from maskfold.inference.predictor import Answer
    from maskfold.serving.loaded import LoadedModel

_log = logging.getLogger(__name__)


class Desk:
    """Takes requests, hands their photographs to the pipeline, and answers.

    Args:
        current: The model that answers.
        pipeline: Where photographs are worked on.
        limits: What requests may cost.
        metrics: Counts requests.
    """

    def __init__(self, current: CurrentModel, pipeline: Pipeline, limits: Limits, metrics: Metrics) -> None:
        self._current, self._pipeline, self._limits, self._metrics = current, pipeline, limits, metrics
        self._memory = Memory(limits.held_bytes)
        self._arrivals = Arrivals(limits.body_seconds)
        metrics.watch(lambda: pipeline.inside, lambda: self._memory.held)

    @property
    def stopped(self) -> bool:
        """Whether requests are refused because the server stops."""
        return self._arrivals.stopped

    def stop(self) -> None:
        """Refuse all requests whose photographs are not here yet."""
        self._arrivals.stop()

    async def predict(self, request: Request, all_faces: bool) -> Response:
        """Answer one request."""
        began = time.monotonic()
        with self._memory.lease() as lease:
            try:
                answer = await self._answer(request, all_faces, lease)
            except RefusedError as refused:
                answer = refusal(request.scope, refused.status, refused.problem, refused.headers, lease.complete)
            except ClientDisconnect:
                answer = Response(status_code=GONE)
            except Exception:  # noqa: BLE001 - logged, and answered
                _log.exception("a request failed")
                answer = refusal(request.scope, 500, "internal error; the server's log says more", read=lease.complete)
        self._metrics.count(answer.status_code)
        self._metrics.latency.observe(time.monotonic() - began)
        return answer

    async def _answer(self, request: Request, all_faces: bool, lease: Lease) -> Response:
        model = self._current.loaded
        if model is None:
            raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, "the model is being loaded", SOON)
        async with self._arrivals.in_time():
            kind = request.headers.get("content-type", "")
            sent = await uploads(kind, chunks(request, self._limits, lease), self._limits)
        pixels = await asyncio.to_thread(_pixels, model, sent, self._limits)
        errand = Errand(model, all_faces, [one.content for one in sent], pixels)
        names = [one.name for one in sent]
        del sent  # the pipeline drops each photograph when it is cut out
        if not self._pipeline.enter(errand):
            raise RefusedError(HTTPStatus.TOO_MANY_REQUESTS, "too many photographs wait; try again", SOON)
        answers = await self._wait(errand, request)
        for found in answers:
            self._metrics.images.labels(found[0].status).inc()
        body = reply(model.model, model.digest, names, answers)
        if all(answer.status == "unreadable" for found in answers for answer in found):
            body["detail"] = "no photograph of the request can be read"
            return JSONResponse(body, HTTPStatus.UNPROCESSABLE_ENTITY)
        return JSONResponse(body)

    async def _wait(self, errand: Errand, request: Request) -> Sequence[Sequence[Answer]]:
        done = asyncio.wrap_future(errand.done)
        gone = asyncio.ensure_future(_departure(request))
        try:
            waiting: set[asyncio.Future[Any]] = {done, gone}
            await asyncio.wait(waiting, timeout=self._limits.answer_seconds, return_when=asyncio.FIRST_COMPLETED)
            if done.done():
                return done.result()
            if gone.done():
                raise ClientDisconnect
            raise RefusedError(
                HTTPStatus.GATEWAY_TIMEOUT, f"there was no answer within {self._limits.answer_seconds:g} s; try again"
            )
        finally:
            errand.give_up()
            done.cancel()
            gone.cancel()


async def _departure(request: Request) -> None:
    """Wait until the client leaves; the body has been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _pixels(model: LoadedModel, sent: Sequence[Upload], limits: Limits) -> list[int]:
    stated = [model.pixels(one.content) for one in sent]
    large = [number for number, pixels in enumerate(stated) if pixels > limits.pixels]
    if large:
        problem = f"photograph {large[0]} has more than {limits.pixels:,} pixels; send a smaller one"
        raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, problem)
    if sum(stated) > limits.request_pixels:
        problem = f"the photographs have {sum(stated):,} pixels; more than {limits.request_pixels:,} need two requests"
        raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, problem)
    return stated
