# The optional proxy with TLS in front of the stack: Debian's nginx.
#   docker build --file docker/tls.Dockerfile --tag maskfold-tls .
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE}
LABEL org.opencontainers.image.title="maskfold-tls" \
      org.opencontainers.image.description="nginx as a proxy with TLS." \
      org.opencontainers.image.licenses="MIT"
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends nginx openssl ca-certificates && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 1000 --user-group --no-create-home --home-dir /tmp tls \
    && install --directory --owner=tls --group=tls --mode=700 /data
COPY docker/tls /opt/tls
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 TLS_FOLDER=/data TLS_NAME=localhost
USER tls
VOLUME /data
CMD ["python3", "/opt/tls/serve.py", "8443=localhost:8080"]
