"""Modules that are run without numbers, and what they do written down."""
