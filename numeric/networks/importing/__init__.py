"""Weights that other code wrote, brought to the normal form: names, layouts, files, comparisons."""
