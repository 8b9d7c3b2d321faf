# The exporter's image: read-only, without root, nothing but the daemon and its dependencies.
#
# To build the same image again, pin the base by its digest:
#   docker build --build-arg BASE_IMAGE=python:3.11-slim-bookworm@sha256:... .
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN python3 -m venv /opt/css-exporter
COPY requirements.lock ./
RUN /opt/css-exporter/bin/python -m pip install --require-hashes --requirement requirements.lock
COPY LICENSE README.md pyproject.toml ./
COPY exporter/ exporter/
# What the package carries, see exporter/files.
COPY deploy/ deploy/
COPY grafana/ grafana/
COPY prometheus/ prometheus/
# No compiler, no installer in what runs: pip and setuptools end here.
RUN /opt/css-exporter/bin/python -m pip install --no-deps --no-build-isolation . \
    && /opt/css-exporter/bin/python -m pip uninstall --yes setuptools pip

FROM ${BASE_IMAGE}
ARG VERSION=
ARG REVISION=
LABEL org.opencontainers.image.title="css-exporter" \
      org.opencontainers.image.description="Prometheus exporter for the event callbacks of Tencent Cloud Streaming Services" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# Numbers, so that volumes and Kubernetes' runAsNonRoot can name them.
RUN groupadd --gid 10001 css-exporter \
    && useradd --no-log-init --uid 10001 --gid 10001 --no-create-home --home-dir /data \
        --shell /usr/sbin/nologin css-exporter \
    && install --directory --owner=10001 --group=10001 --mode=0700 /data
COPY --from=builder /opt/css-exporter /opt/css-exporter
ENV PATH=/opt/css-exporter/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    CSS_EXPORTER_METRICS_LISTEN=0.0.0.0:10063 \
    CSS_EXPORTER_DATA_DIR=/data
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080 10063
STOPSIGNAL SIGTERM
# Python, since there is no curl. Its certificate bears the public name, not this address.
HEALTHCHECK --interval=15s --timeout=5s --start-period=15s --retries=3 \
    CMD ["python3", "-c", "import os, ssl, urllib.request as r; s = 's' * bool(os.environ.get('CSS_EXPORTER_TLS_CERTFILE')); r.urlopen(f'http{s}://127.0.0.1:8080/-/healthy', timeout=4, context=ssl._create_unverified_context())"]
ENTRYPOINT ["css-exporter"]
CMD ["serve"]
