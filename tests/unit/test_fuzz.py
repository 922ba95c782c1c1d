"""The targets of the fuzzer, with random changes to what they begin with, for some seconds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.targets import TARGETS, Target


@st.composite
def changed(draw: st.DrawFn, seeds: tuple[bytes, ...]) -> bytes:
    """A seed with some bytes put in the place of some others."""
    seed = draw(st.sampled_from(seeds))
    start, end = sorted((draw(st.integers(0, len(seed))), draw(st.integers(0, len(seed)))))
    return seed[:start] + draw(st.binary(max_size=20)) + seed[end:]


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_nothing_but_what_is_documented_is_raised(target: Target) -> None:
    for seed in target.seeds:
        target(seed)

    @settings(max_examples=150, deadline=None, database=None)
    @given(st.binary(max_size=200) | changed(tuple(target.seeds)))
    def never(data: bytes) -> None:
        target(data)

    never()
