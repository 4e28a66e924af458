"""Each task in one place: what it may be told, what it measures, what a report may show of it, what carries it out.

``kind`` says what a task is, a module each says it of one task, ``table`` has them all. Whatever else knows tasks by
name asks the table: the experiment document, the chart's values and their schema, SLOs, reports, the runner.
"""
