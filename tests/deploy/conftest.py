"""The overlays as `kubectl kustomize` renders them, with secrets made up for the occasion."""

from pathlib import Path

import pytest

from tests.deploy.rendering import OVERLAYS, Objects, copied, render


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of deploy/ and k8s/, so that nothing is written beside the sources."""
    return copied(tmp_path_factory.mktemp("tree"))


@pytest.fixture(scope="session")
def everything(tree: Path) -> dict[str, Objects]:
    """Each overlay, by its name."""
    return {name: render(tree, name) for name in OVERLAYS}


@pytest.fixture(params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> str:
    """The name of an overlay."""
    name: str = request.param
    return name


@pytest.fixture
def objects(everything: dict[str, Objects], overlay: str) -> Objects:
    """What one overlay is made of."""
    return everything[overlay]
