"""Graphs and networks in other programs' files."""
