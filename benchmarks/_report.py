"""A table of figures, each against its limit."""

import sys
from dataclasses import dataclass, field


@dataclass
class Report:
    """Collects figures; `end` prints them and exits with 1 where a limit was missed."""

    title: str
    missed: int = 0
    lines: list[str] = field(default_factory=list)

    def figure(self, name: str, value: float, unit: str) -> None:
        """A figure without a limit."""
        self.lines.append(f"  {name:<44} {value:>12,.2f} {unit}")

    def at_most(self, name: str, value: float, limit: float, unit: str) -> None:
        """A figure that must not be above its limit."""
        self._judged(name, value, f"at most {limit:,g} {unit}", value <= limit)

    def at_least(self, name: str, value: float, limit: float, unit: str) -> None:
        """A figure that must not be below its limit."""
        self._judged(name, value, f"at least {limit:,g} {unit}", value >= limit)

    def equal(self, name: str, value: float, wanted: float) -> None:
        """A count that has to be exact."""
        self._judged(name, value, f"exactly {wanted:,g}", value == wanted)

    def end(self) -> None:
        """Print everything."""
        print("\n".join([self.title, *self.lines]), flush=True)
        sys.exit(1 if self.missed else 0)

    def _judged(self, name: str, value: float, wanted: str, good: bool) -> None:
        self.missed += not good
        self.lines.append(f"  {name:<44} {value:>12,.2f}  {'ok' if good else 'MISSED'} ({wanted})")
