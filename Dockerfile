# syntax=docker/dockerfile:1
# Build: the virtual environment with pinned, hashed packages, and the face models.
FROM python:3.12-slim-bookworm AS build
WORKDIR /srv/certify
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements.lock pyproject.toml README.md LICENSE ./
RUN python -m venv /opt/venv && /opt/venv/bin/pip install --require-hashes -r requirements.lock
COPY certify ./certify
COPY models ./models
COPY api ./api
COPY fixtures ./fixtures
RUN /opt/venv/bin/pip install --no-deps --no-build-isolation . \
    && CERTIFY_MODEL_CACHE=/opt/models /opt/venv/bin/certify models prepare

# Run: no compiler, no package manager use, an ordinary user.
FROM python:3.12-slim-bookworm
# Fonts for names on printed certificates in any script; versions follow the base image's release.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends fonts-noto-core fonts-noto-cjk \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 certify \
    && install -d -o certify -g certify /var/lib/certify
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/models /opt/models
ENV PATH=/opt/venv/bin:$PATH \
    CERTIFY_ENV=production \
    CERTIFY_HOST=0.0.0.0 \
    CERTIFY_DATA_DIR=/var/lib/certify \
    CERTIFY_MODEL_CACHE=/opt/models
USER 10001:10001
WORKDIR /var/lib/certify
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/ready', timeout=2)"]
CMD ["certify", "serve"]
