# The MLflow server of the stack: runs in PostgreSQL, artifacts in the object store.
#   docker build --file docker/mlflow.Dockerfile --tag maskfold-mlflow .
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
WORKDIR /build
COPY requirements.lock pyproject.toml ./
COPY scripts/requirements.py docker/install.sh scripts/
RUN --mount=type=secret,id=pip_conf --mount=type=secret,id=ca \
    --mount=type=bind,source=docker/wheels,target=/wheels --mount=type=cache,target=/root/.cache/pip \
    scripts/install.sh --only tracking-server

FROM ${BASE}
LABEL org.opencontainers.image.title="maskfold-mlflow" \
      org.opencontainers.image.description="MLflow server with a login and drivers for PostgreSQL and S3." \
      org.opencontainers.image.licenses="MIT"
RUN useradd --uid 1000 --user-group --no-create-home --home-dir /tmp mlflow
COPY --from=build /opt/venv /opt/venv
COPY docker/mlflow /opt/mlflow
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    DO_NOT_TRACK=1 \
    MLFLOW_DISABLE_TELEMETRY=true \
    MLFLOW_PORT=5000 \
    MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false
WORKDIR /tmp
USER mlflow
EXPOSE 5000
HEALTHCHECK --interval=5s --timeout=5s --start-period=120s CMD ["python", "-c", \
    "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"MLFLOW_PORT\"]}/health', timeout=4)"]
CMD ["python", "/opt/mlflow/serve.py", "--host", "0.0.0.0"]
