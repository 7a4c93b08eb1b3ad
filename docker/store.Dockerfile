# The object store of the stack: OpenStack Swift, which speaks S3, on one disk.
#   docker build --file docker/store.Dockerfile --tag maskfold-store .
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
WORKDIR /build
COPY docker/store/requirements.txt docker/install.sh ./
RUN --mount=type=secret,id=pip_conf --mount=type=secret,id=ca \
    --mount=type=bind,source=docker/wheels,target=/wheels --mount=type=cache,target=/root/.cache/pip \
    ./install.sh --file requirements.txt

FROM ${BASE}
LABEL org.opencontainers.image.title="maskfold-store" \
      org.opencontainers.image.description="OpenStack Swift on one disk, with the S3 protocol." \
      org.opencontainers.image.licenses="MIT"
RUN useradd --uid 1000 --user-group --no-create-home --home-dir /tmp store \
    && install --directory --owner=store --group=store /data \
    && ln -s /data/etc /etc/swift
COPY --from=build /opt/venv /opt/venv
COPY docker/store /opt/store
ENV PATH=/opt/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 STORE_FOLDER=/data
USER store
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s CMD ["python", "/opt/store/health.py"]
CMD ["python", "/opt/store/serve.py"]
