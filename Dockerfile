# autox and helm on a Python image. `docker build .` fetches what it needs; `make image` (image/build.py) brings it along
# in the context, and a base of Debian packages where no image can be pulled. docs/decisions/0018-the-image.md says why.

# Python 3.11 or newer, in which autox runs; needs no shell, no pip and no package manager.
ARG BASE=python:3.13-slim-bookworm
# The same minor version of Python, with pip.
ARG BUILDER=${BASE}

# What the lock file names, checked against its digests, autox itself and helm.
FROM ${BUILDER} AS tree
WORKDIR /src
COPY . .
RUN ["python3", "-m", "image.tree", "/tree"]

# Where the base's own interpreter wants it, and compiled by it: where it runs, nothing can be written.
FROM ${BASE} AS placed
ENV PYTHONHASHSEED=0
COPY --from=tree /tree /tree
RUN ["python3", "/tree/placing.py", "/tree", "/placed"]

# A stage each, for a builder that makes one layer of a stage. What changes most often is on top.
FROM ${BASE} AS with-python
COPY --from=placed /placed/python /

FROM with-python AS with-helm
COPY --from=placed /placed/helm /

FROM with-helm AS with-libraries
COPY --from=placed /placed/libraries /

FROM with-libraries
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 65532:65532
ENTRYPOINT ["autox"]
CMD ["--help"]
COPY --from=placed /placed/autox /
