"""How long a campaign is, and its seed: a short slice in CI, all of it where asked for."""

import os
import random

SEED = int(os.environ.get("FAULTS_SEED") or random.SystemRandom().randrange(2**32))
"""Printed with each failure; `FAULTS_SEED` gives it back."""


def rounds(short: int, full: int) -> int:
    return full if os.environ.get("FAULTS_FULL") else short


def dice(name: str) -> random.Random:
    """Randomness of one's own, the same for the same seed."""
    print(f"FAULTS_SEED={SEED}")
    return random.Random(f"{SEED} {name}")
