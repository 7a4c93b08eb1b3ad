# Runs any job, and serves models: torch, timm, facenet-pytorch and the package.
#   docker build --file docker/job.Dockerfile --tag maskfold-job .
#   docker build --file docker/job.Dockerfile --tag maskfold-serve --target serve .
#   docker build --file docker/job.Dockerfile --tag maskfold-job-gpu --build-arg TORCH_BUILD=cu130 .
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
# Build of torch: cpu, or a CUDA release as the PyTorch index names it; if empty, pip chooses the build.
ARG TORCH_BUILD=cpu
WORKDIR /build
COPY requirements.lock requirements-nodeps.lock pyproject.toml ./
COPY scripts/requirements.py docker/install.sh scripts/
RUN --mount=type=secret,id=pip_conf --mount=type=secret,id=ca \
    --mount=type=bind,source=docker/wheels,target=/wheels --mount=type=cache,target=/root/.cache/pip \
    scripts/install.sh train

# Separate from its dependencies, so that a change of the code rebuilds only a small layer.
FROM build AS package
COPY README.md LICENSE ./
COPY src src
COPY flows flows
COPY tasks tasks
RUN --mount=type=secret,id=pip_conf --mount=type=secret,id=ca --mount=type=cache,target=/root/.cache/pip \
    scripts/install.sh --package /opt/maskfold

FROM ${BASE} AS runtime
RUN useradd --uid 1000 --user-group --no-create-home --home-dir /tmp maskfold \
    && install --directory --owner=maskfold --group=maskfold /cache /cache/tmp
COPY --from=build /opt/venv /opt/venv
COPY --from=package /opt/maskfold /opt/maskfold
WORKDIR /opt/maskfold
COPY prefect.yaml ./
# Programs write only to /cache (copies of inputs, jobs' scratch files) and /tmp.
ENV PATH=/opt/maskfold/bin:/opt/venv/bin:$PATH \
    PYTHONPATH=/opt/maskfold \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    TMPDIR=/cache/tmp \
    MASKFOLD_HOME=/cache \
    MPLCONFIGDIR=/tmp/matplotlib \
    PREFECT_HOME=/tmp/prefect \
    PREFECT_SERVER_ANALYTICS_ENABLED=false \
    DO_NOT_TRACK=1 \
    MLFLOW_DISABLE_TELEMETRY=true \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER maskfold

# The token comes from the environment, MASKFOLD_SERVE_TOKEN, or from a file that is mounted: --token-file.
FROM runtime AS serve
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=5s --start-period=120s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
ENTRYPOINT ["python", "-m", "maskfold", "serve", "--host", "0.0.0.0", "--port", "8000"]
ARG REVISION=""
ENV MASKFOLD_REVISION="${REVISION}"
LABEL org.opencontainers.image.title="maskfold-serve" \
      org.opencontainers.image.description="Answers for photographs over HTTP with a model of maskfold." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.revision="${REVISION}"

FROM runtime AS job
CMD ["prefect", "flow-run", "execute"]
# Last, as it changes with every commit.
ARG REVISION=""
ENV MASKFOLD_REVISION="${REVISION}"
LABEL org.opencontainers.image.title="maskfold-job" \
      org.opencontainers.image.description="Runs one job of maskfold: crop faces, train a fold, vote." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.revision="${REVISION}"
