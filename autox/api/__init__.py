"""What users write, described by pydantic and turned into frozen values; the only home of pydantic."""
