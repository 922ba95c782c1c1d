"""The list of packages, computed: each folder with an `__init__.py` in a layer is packaged.

All else about the distribution is in pyproject.toml, where the layers' folders are too.
"""

import tomllib
from pathlib import Path

from setuptools import find_packages, setup

PROJECT = tomllib.loads(Path(__file__).with_name("pyproject.toml").read_text(encoding="utf-8"))
LAYERS: dict[str, str] = PROJECT["tool"]["setuptools"]["package-dir"]

setup(
    packages=[
        package
        for name, folder in LAYERS.items()
        for package in (name, *(f"{name}.{sub}" for sub in find_packages(folder)))
    ]
)
