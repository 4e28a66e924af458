"""Experiments as the cluster keeps them: for each thing that is kept one module that reads it and writes it.

``records`` has the custom resources, ``controllerstatus`` and ``runnerstatus`` the fields of their status that each
of the two writes, ``conditions`` the list that both groups and experiments have, ``results`` the document that a run
leaves, in the status or in the Secret ``NAME-result``, ``overlaps`` who loaded the same target, ``history`` records
that were deleted. ``experiments`` and ``releases`` read an experiment for whoever shows it, with a record and without;
``triggers`` and ``workloads`` read what it tests and what runs it.

Controller, tasks and commands go through here and know nothing of each other. What a record *means* is decided in
``autox.core``; how the documents look is said in ``autox.api``.
"""
