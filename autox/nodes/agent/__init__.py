"""One agent: a process, or a part of a run, that keeps nodes alive and lets a provider serve their pods.

``agent`` puts a process together from its configuration, ``supervision`` has the parts work in the one order there is,
and ends them all with the first. What an agent says of itself is ``figures``, taken by ``collector`` and
served by ``status_server``. The Node objects and their leases are ``node``'s, next door.
"""
