"""Provider ``process``: the containers of pods as local processes, with no container runtime and no root.

NB: the shim imports modules of this package in an interpreter of its own; keep this file free of imports.
"""
