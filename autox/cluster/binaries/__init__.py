"""Getting the real programs of a cluster onto this machine: find, download or build.

Start reading at ``providing``: it holds the order of the sources. ``pins`` says which versions, ``cache`` where they
are kept, ``downloading`` and ``building`` how they come there.
"""

from autox.cluster.binaries.progress import Progress, Silent, Unit
from autox.cluster.binaries.providing import provide
from autox.cluster.binaries.settings import BinarySettings
from autox.cluster.binaries.tools import CONTROL_PLANE, NODE_TOOLS, Binary, Source, Tool
from autox.cluster.binaries.versions import fits

__all__ = [
    "CONTROL_PLANE",
    "NODE_TOOLS",
    "Binary",
    "BinarySettings",
    "Progress",
    "Silent",
    "Source",
    "Tool",
    "Unit",
    "fits",
    "provide",
]
