"""Measurements of the real processes: `nox -s load`. Figures come from one run, and say so."""
