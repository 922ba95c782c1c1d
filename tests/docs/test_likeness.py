"""The comparison lets pass what differs between any two runs, and nothing else."""

import pytest

from tests.docs.likeness import Likeness

ADA = "01a204d6-1f05-79bc-a47b-709afa94b9d8"
BOB = "01a204d8-694a-752a-84c1-35fd38c832ec"
EVE = "01a204e7-226a-71e7-8938-2d4841c5acdf"
NOON = "2026-11-22T12:00:00.000001Z"
EVENING = "2026-11-22T18:00:00.000001Z"


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        (f"{ADA} {ADA} {BOB}", f"{BOB} {BOB} {ADA}"),
        (f'"at":"{NOON}"', f'"at":"{EVENING}"'),
        ("in 0.1 s (31 rows/s)", "in 12.0 s (7,031 rows/s)"),
        ('"latency_ms":0.1,"rss_bytes":7', '"latency_ms":13,"rss_bytes":8'),
        ("date: Sun, 22 Nov 2026 12:00:00 GMT", "date: Mon, 23 Nov 2026 18:00:01 GMT"),
        (f"x-request-id: {'a1' * 16}", f"x-request-id: {'b2' * 16}"),
        (f"?cursor={'aB' * 30}>", f"?cursor={'cD' * 31}>"),
        ("17 passed in 0.05s", "17 passed in 1.31s"),
    ],
)
def test_what_varies_may_differ(shown: str, printed: str) -> None:
    Likeness().check(shown, printed)


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("", "?"),
        ('"version":1', '"version":2'),
        (f"{ADA} {ADA}", f"{ADA} {BOB}"),
        (f"{ADA} {BOB}", f"{EVE} {EVE}"),
        (f"{NOON} {NOON}", f"{NOON} {EVENING}"),
        (f'"id":"{ADA}"', '"id":null'),
        ("17 passed in 0.05s", "16 passed in 0.05s"),
        ("3 created in 0.1 s (31 rows/s)", "4 created in 0.1 s (31 rows/s)"),
        ("2019-05-04T10:00:00Z", "2019-05-04T11:00:00Z"),
        ('"status":409', '"status":412'),
    ],
)
def test_anything_else_is_found(shown: str, printed: str) -> None:
    with pytest.raises(AssertionError):
        Likeness().check(shown, printed)


def test_names_stand_for_the_same_from_step_to_step() -> None:
    likeness = Likeness()
    likeness.check(ADA, BOB)
    assert likeness.real(f"curl {ADA}") == f"curl {BOB}"
    likeness.check(f"again {ADA}", f"again {BOB}")
    with pytest.raises(AssertionError):
        likeness.check(f"again {ADA}", f"again {EVE}")
