"""Modules that flows written for Prefect import from here; what they offer lives elsewhere."""
