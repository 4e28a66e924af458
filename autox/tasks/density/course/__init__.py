"""The course of a run: what API server, other components and this process did over its time, and by windows of it.

``sampler`` reads them (``sources`` knows where they are), ``course`` keeps what was read, ``meters`` says what figures
are made of that, ``windows`` has the SLI by windows, and ``telling`` makes metrics, series and notes of it all.
"""
