"""What the pages show is what the programs do."""

from pathlib import Path

import pytest

from tests.docs.likeness import Likeness
from tests.docs.pages import ROOT, UPDATE, Step, pages, steps, write_back
from tests.docs.session import Session


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_shows_what_the_programs_print(page: Path, tmp_path: Path) -> None:
    likeness = Likeness()
    printed: dict[Step, str] = {}
    with Session(tmp_path) as session:
        for step in steps(page):
            text = session.run(_for_real(step, likeness))
            assert "Traceback" not in text
            if not UPDATE:
                likeness.check(step.shown or "", text)
            elif step.shown is not None:
                likeness.learn(step.shown, text)
                printed[step] = likeness.as_shown(text)
    if printed:
        write_back(page, printed)


def _for_real(step: Step, likeness: Likeness) -> Step:
    return Step(step.kind, likeness.real(step.text), step.first, step.last)
