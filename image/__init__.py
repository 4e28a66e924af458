"""The container image of autox, and a base image where none can be pulled.

``build`` is the command; ``packages`` makes a base of Debian packages, ``libraries`` the directory with the pinned
libraries and autox itself, ``oci`` writes archives that come out the same each time, ``sbom`` says what is inside.
The ``Dockerfile`` puts it all together and is the same wherever the base comes from (decision 0018).
"""
