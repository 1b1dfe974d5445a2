"""Rigorous bounds: what holds for every input of a region, every rounding accounted for."""
