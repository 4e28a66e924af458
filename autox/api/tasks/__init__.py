"""Each task in one place: what it may be told, what it measures, what a report may show of it, what carries it out.

``kind`` says what a task is (``metrics`` and ``rights`` are parts of that), a module each says it of one task,
``table`` has them all, and ``reference`` writes them down for users. Whatever else knows tasks by name asks the table:
the experiment document, the chart's values and their schema, the charts' templates, SLOs, reports, the runner.
"""
