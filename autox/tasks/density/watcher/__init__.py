"""The watcher of a run's pods: a process that does nothing else, so that nothing else makes it see them late.

``sights`` says what it reads of a pod and what it tells, ``looking`` is what it does, ``process`` how it is forked and
ended, and ``podwatcher`` keeps one for as long as a run needs it, and takes what it tells.
"""
