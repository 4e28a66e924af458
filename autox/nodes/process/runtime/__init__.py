"""The container runtime: starts processes behind shims, finds them again, keeps their logs, knows how they ended.

NB: the shim imports modules of this package in an interpreter of its own; keep this file free of imports.
"""
