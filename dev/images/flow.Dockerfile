# The image that flows run in, and that images with further libraries are built from:
#
#     FROM <this image>
#     USER root
#     RUN pip install pandas
#     USER 65532:65532
#
# The context holds requirements.txt (locked, with hashes) and wheels/; dev.cluster makes both. The requirements are a layer
# below the code, so that a change of code costs one small layer.
ARG BASE=python:3.12-slim-bookworm
FROM ${BASE}

# Code is fetched by git, over https and ssh.
RUN (command -v git && command -v ssh) >/dev/null \
    || (apt-get update && apt-get install -y --no-install-recommends git openssh-client && rm -rf /var/lib/apt/lists/*)
RUN groupadd --gid 65532 towpath \
    && useradd --uid 65532 --gid 65532 --create-home --home-dir /home/towpath --shell /usr/sbin/nologin towpath

ENV PATH=/opt/towpath/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin \
    PYTHONUNBUFFERED=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements.txt /opt/towpath-requirements.txt
RUN python3 -m venv /opt/towpath \
    && pip install --require-hashes --requirement /opt/towpath-requirements.txt
COPY wheels /opt/towpath-wheels
RUN pip install --no-deps --no-index /opt/towpath-wheels/*.whl

WORKDIR /home/towpath
# By number, since `runAsNonRoot` cannot tell who a name is.
USER 65532:65532
CMD ["python", "-m", "towpath.runner"]
