"""Entry points, the only place that wires the layers together: ``commands`` users type, and the ``parts`` these share.

Results go to stdout, progress and errors to stderr. Exit codes are part of the interface: 0 done, 1 an SLO was not
met, 2 the command line or a file given to it makes no sense, 3 an error or no data, 4 a deadline, 130 interrupted.
"""
