# Runs any job: torch, timm, facenet-pytorch and the package.
#   docker build --file docker/job.Dockerfile --tag maskfold-job .
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

FROM ${BASE}
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
CMD ["prefect", "flow-run", "execute"]
# Last, as it changes with every commit.
ARG REVISION=""
ENV MASKFOLD_REVISION="${REVISION}"
LABEL org.opencontainers.image.title="maskfold-job" \
      org.opencontainers.image.description="Runs one job of maskfold: crop faces, train a fold, vote." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.revision="${REVISION}"
