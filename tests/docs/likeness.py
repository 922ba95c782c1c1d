"""Whether an output is what the page shows, but for what no two runs have in common."""

import re

# Ids and times differ, but the same one has to come again wherever the page shows it again.
_NAMES = {
    "id": r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}",
    "request": r"\b[0-9a-f]{32}\b",
    "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z",
    "cursor": r"(?<=cursor=)[\w-]{40,}",
}
# Measurements, and times in whole seconds: any of them will do.
_MEASURES = {
    "date": r"(?<=date: )\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT",
    "span": r"(?<=in )[\d.,]+ s \([\d,]+ rows/s\)|(?<= in )[\d.]+s\b",
    "measure": r'(?<=_ms":)[\d.]+|(?<=_bytes":)\d+|(?<=_percent":)[\d.]+|(?<=open_files":)\d+',
}
_VARYING = re.compile("|".join(f"(?P<{k}>{p})" for k, p in (_NAMES | _MEASURES).items()))


class Likeness:
    """Compares the outputs of one page in turn, and keeps which name stands for which."""

    def __init__(self) -> None:
        self._real: dict[str, str] = {}
        self._shown: dict[str, str] = {}

    def real(self, shown: str) -> str:
        """A text of the page with the names that this run has for those it shows."""
        return _VARYING.sub(lambda found: self._real.get(found[0], found[0]), shown)

    def as_shown(self, real: str) -> str:
        """The inverse of `real`."""
        return _VARYING.sub(lambda found: self._shown.get(found[0], found[0]), real)

    def check(self, shown: str, printed: str) -> None:
        """Fail unless the page shows what was printed."""
        assert _shape(printed) == _shape(shown)
        self.learn(shown, printed)
        # Both ways round, so that a name stands for one name only.
        assert _without_measures(self.real(shown)) == _without_measures(printed)
        assert _without_measures(self.as_shown(printed)) == _without_measures(shown)

    def learn(self, shown: str, printed: str) -> None:
        """Take the names of each kind in the order in which they come."""
        for kind in _NAMES:
            for there, here in zip(_found(kind, shown), _found(kind, printed), strict=False):
                self._real.setdefault(there, here)
                self._shown.setdefault(here, there)


def _found(kind: str, text: str) -> list[str]:
    return [found[0] for found in _VARYING.finditer(text) if found.lastgroup == kind]


def _shape(text: str) -> str:
    return _VARYING.sub(lambda found: f"<{found.lastgroup}>", text)


def _without_measures(text: str) -> str:
    return _VARYING.sub(
        lambda found: "<>" if found.lastgroup in _MEASURES else found[0],
        text,
    )
