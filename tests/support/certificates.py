"""Certificates for servers that speak TLS."""

import subprocess
from pathlib import Path


def certificate(folder: Path, name: str) -> Path:
    """One that signs itself, for `name`; its key stands beside it."""
    made = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2")
    path = folder / f"{name}.pem"
    subprocess.run(
        [
            *(*made, "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"),
            *("-keyout", str(folder / f"{name}.key"), "-out", str(path)),
        ],
        check=True,
        capture_output=True,
    )
    path.chmod(0o644)
    return path
