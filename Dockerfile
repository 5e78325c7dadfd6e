# One image for `tasktalk serve` and `tasktalk worker`. The two stages share a base, so that the environment made in the
# first runs in the second at the same path.
FROM python:3.12-slim AS base
ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1

FROM base AS build
WORKDIR /build
RUN python -m venv /opt/tasktalk
# Before the sources: this layer lasts until the lock file changes. Every package is checked against its hash.
COPY requirements/base.txt requirements/base.txt
RUN /opt/tasktalk/bin/python -m pip install --require-hashes -r requirements/base.txt
COPY . .
RUN /opt/tasktalk/bin/python -m pip install --no-deps --no-build-isolation .

FROM base AS runtime
# The directory is made here with its owner, because a new named volume takes both from the image. It must be this
# user's also where it is bound from the host (uid 10001): the embedded database runs as the same user.
RUN useradd --system --uid 10001 --user-group --home-dir /data --no-create-home --shell /usr/sbin/nologin tasktalk \
    && install --directory --owner=tasktalk --group=tasktalk --mode=0700 /data
COPY --from=build /opt/tasktalk /opt/tasktalk
ENV PATH=/opt/tasktalk/bin:$PATH \
    TASKTALK_DATA_DIR=/data \
    TASKTALK_PORT=8000
USER tasktalk
WORKDIR /data
VOLUME /data
EXPOSE 8000
# /healthz is the process alone: a database that is away must not have the container restarted. Whether it is ready to
# serve is /readyz.
HEALTHCHECK --interval=15s --timeout=5s --start-period=90s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ['TASKTALK_PORT']}/healthz\", timeout=4).close()"]
# 10 s for running requests, then the turns are handed on and the embedded database is stopped: give it 30 s to end.
STOPSIGNAL SIGTERM
# An address that isn't loopback needs authentication: without BETTER_AUTH_URL or BETTER_AUTH_SECRET it refuses to start.
CMD ["tasktalk", "serve", "--host", "0.0.0.0"]
