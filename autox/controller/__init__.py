"""Decides and acts: reads triggers and records, and carries out what ``autox.core.experiments.deciding`` concluded."""
