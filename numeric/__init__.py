"""Floating point: networks, features and graphs."""
