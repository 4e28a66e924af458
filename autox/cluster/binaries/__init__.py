"""Getting the real programs of a cluster onto this machine: find, download or build.

Start reading at ``providing``: it holds the order of the sources. ``pins`` says which versions, ``cache`` where they
are kept, ``downloading`` and ``building`` how they come there.
"""
