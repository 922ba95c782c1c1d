"""How long the certificates that this process relies on are good for."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class Certificates(Collector):
    """Metric `certificate_expires_timestamp_seconds{setting=…}`: when the first of a file ends.

    `files` are those of the settings, by their variables. They are read at each scrape, since a
    file may be replaced; one that cannot be read has no value.
    """

    def __init__(self, registry: CollectorRegistry, files: Mapping[str, Path]) -> None:
        self._files = files
        registry.register(self)

    def describe(self) -> Iterable[Metric]:
        return (self._family(),)

    def collect(self) -> Iterable[Metric]:
        family = self._family()
        for setting, path in self._files.items():
            ends = _ends(path)
            if ends:
                family.add_metric([setting], min(ends))
        yield family

    @staticmethod
    def _family() -> GaugeMetricFamily:
        return GaugeMetricFamily(
            "certificate_expires_timestamp_seconds",
            "When the first certificate in the file that a setting names ends.",
            labels=["setting"],
        )


def _ends(path: Path) -> list[float]:
    from cryptography import x509  # for those alone who have such a file

    try:
        found = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError):  # whoever connects with it says what is wrong
        return []
    return [certificate.not_valid_after_utc.timestamp() for certificate in found]
