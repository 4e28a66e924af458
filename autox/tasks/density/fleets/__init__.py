"""The virtual nodes of a run, in one of three ways; ``nodes`` says what the run knows of them.

``fleet`` keeps them in the process that it is in: the run's own, or that of an agent. ``agents`` shares them out to
processes beside the run, each of which is ``agentprocess``, told by ``orders`` what it is. ``givennodes`` are there
already, and agents elsewhere keep them.
"""
