"""The container image of autox: a Dockerfile, and what puts together everything it is built of.

``build`` is the command, on the machine: ``source``, ``wheels`` and ``debian`` fetch what is needed, ``base`` makes of
Debian packages what would else be pulled, ``oci`` and ``layers`` write archives, ``contents`` reads the built one for
``sbom`` and the table of sizes. ``tree`` and ``placing`` are the Dockerfile's two steps, which run inside; they
need nothing but the standard library and pip. Why it is made like this: docs/decisions/0018-the-image.md.
"""
