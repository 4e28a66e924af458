# The image of autox: an interpreter, the libraries of requirements/runtime.txt, autox and helm; no shell of ours, no
# compiler, no package manager. `make image` puts the context together (image/build.py) and builds it; nothing is
# fetched here, so it is built alike with the network and without, and twice the same.
ARG BASE=python:3.11-slim-bookworm
FROM ${BASE}

COPY lib /opt/autox
COPY helm /usr/local/bin/helm

ENV PYTHONPATH=/opt/autox PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1

# The root file system is read-only where it runs: what is not compiled now is compiled at each start.
RUN ["python3", "/opt/autox/precompile.py"]

USER 65532:65532
ENTRYPOINT ["python3", "-m", "autox"]
CMD ["--help"]
