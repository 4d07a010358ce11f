# skillstream in a container: docs/container.md says how to run it, `make image-check` builds it and tries it.
# The digest names one image for all processors; renew tag and digest together.
ARG PYTHON_IMAGE=docker.io/library/python:3.13.15-slim-trixie@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
WORKDIR /src
# What skillstream runs with, and what makes a wheel of it: developers' tools are in a lock of their own.
COPY requirements.lock requirements-build.lock ./
RUN python3 -m pip wheel --quiet --require-hashes --no-deps --requirement requirements.lock --wheel-dir /wheels \
    && python3 -m pip wheel --quiet --require-hashes --no-deps --requirement requirements-build.lock --wheel-dir /wheels
COPY pyproject.toml README.md LICENSE ./
COPY schemas ./schemas
COPY streams ./streams
COPY agents ./agents
# From here on nothing comes from the network.
RUN python3 -m pip wheel --quiet --no-index --find-links /wheels --no-deps --wheel-dir /dist . \
    && python3 -m venv --without-pip /opt/skillstream \
    && python3 -m pip --python /opt/skillstream/bin/python3 install --quiet --no-index --find-links /wheels /dist/*.whl

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="skillstream" \
      org.opencontainers.image.description="Learning events from Kafka in; per-student skill scores, with evidence and explanations, out." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 skillstream \
    && useradd --uid 10001 --gid skillstream --no-create-home --home-dir /var/lib/skillstream \
       --shell /usr/sbin/nologin skillstream \
    && install --directory --owner=skillstream --group=skillstream --mode=0700 /var/lib/skillstream
COPY --from=build /opt/skillstream /opt/skillstream
ENV PATH=/opt/skillstream/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SKILLSTREAM_STORE_DIR=/var/lib/skillstream
# Where RocksDB keeps rows, if SKILLSTREAM_STORE says so. This and /tmp are all that is ever written to.
VOLUME ["/var/lib/skillstream"]
WORKDIR /var/lib/skillstream
USER 10001:10001
EXPOSE 6066
STOPSIGNAL SIGTERM
# /live, not /ready: whoever restarts what is unhealthy must not restart a worker that is restoring a large table.
HEALTHCHECK --interval=15s --timeout=6s --start-period=60s --retries=4 \
    CMD ["python3", "-c", "import http.client, os, ssl, sys; where = ('127.0.0.1', int(os.environ.get('SKILLSTREAM_WEB_PORT') or 6066)); page = http.client.HTTPSConnection(*where, timeout=5, context=ssl._create_unverified_context()) if os.environ.get('SKILLSTREAM_WEB_CERTIFICATE') else http.client.HTTPConnection(*where, timeout=5); page.request('GET', '/live'); sys.exit(page.getresponse().status != 200)"]
ENTRYPOINT ["skillstream"]
CMD ["worker"]
