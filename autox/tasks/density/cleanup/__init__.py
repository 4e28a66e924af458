"""How what a run made goes: at its end, or after the death of a run that was killed."""
