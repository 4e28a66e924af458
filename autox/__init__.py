"""autox: every new version gets tested, every verdict is kept.

The folders are the architecture (docs/architecture.md shows the picture). Imports go one way only,
``cli > nodes | cluster > kube > api > core > model``, and ``lint-imports`` keeps it so.
"""

__version__ = "0.1.0"
