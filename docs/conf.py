"""How Sphinx builds these pages: Markdown by MyST, the Python reference from the docstrings."""

from importlib.metadata import version as installed

project = "profilecore"
author = "The profilecore authors"
copyright = author
version = release = installed("profilecore")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.intersphinx"]
exclude_patterns = ["_build"]
nitpicky = True
nitpick_ignore_regex = [
    # Names of the standard library, and type variables: there is no network where this is built.
    ("py:.*", r"(asyncio|collections|contextlib|datetime|enum|os|pathlib|uuid|typing)\..*"),
    (
        "py:.*",
        r"(?:UUID|datetime|timedelta|Any|Self|Final|TypeAlias|StrEnum|Protocol|T)",
    ),
    (
        "py:.*",
        r"(?:Mapping|Sequence|Collection|Iterable|Callable|AsyncIterator|Coroutine|ObjectStore)",
    ),
]

myst_enable_extensions = ["attrs_inline"]
myst_heading_anchors = 3

# A word in single backticks in a docstring is code.
default_role = "literal"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = f"profilecore {version}"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_show_copyright = False
html_copy_source = False
