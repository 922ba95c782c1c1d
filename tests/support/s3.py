"""moto's S3 on a free port, in a process of its own, which can be stopped and killed."""

import subprocess
import sys
import time
from pathlib import Path

import httpx

from profilecore.adapters.obstore import Bucket, ObstoreBlobs
from tests.support.ports import free_port
from tests.support.started import StartedWeb

START_MAX = 60.0
REGION = "eu-central-1"


class S3Process(StartedWeb):
    """S3 in `folder`, where its log goes; what is in it is in its memory."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "moto.log"
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._wait_until_it_answers()

    def close(self) -> None:
        self.kill()

    def make(self, bucket: str) -> None:
        """A new bucket, which is empty."""
        place = f"<LocationConstraint>{REGION}</LocationConstraint>"
        body = f"<CreateBucketConfiguration>{place}</CreateBucketConfiguration>"
        answer = httpx.put(f"{self.url}/{bucket}", content=body, headers=self._signed())
        assert answer.status_code == 200, answer.text

    def write(self, path: str, data: bytes) -> None:
        """Put something into it past the adapter."""
        answer = httpx.put(f"{self.url}/{path}", content=data, headers=self._signed())
        assert answer.status_code == 200, answer.text

    def read(self, path: str) -> httpx.Response:
        """What anybody gets who asks the bucket itself."""
        return httpx.get(f"{self.url}/{path}", headers=self._signed())

    def bucket(self, path: str, *, port: int | None = None) -> Bucket:
        """How the adapter is told of a bucket, and of a prefix in it."""
        return Bucket(
            url=f"s3://{path}",
            endpoint=f"http://127.0.0.1:{port or self.port}",
            region=REGION,
            access_key="AKIA0123456789",
            secret_key="not much of a secret",
        )

    def blobs(self, path: str, *, port: int | None = None, call_max: float = 15.0) -> ObstoreBlobs:
        return ObstoreBlobs(self.bucket(path, port=port).store, call_max=call_max)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def _signed(self) -> dict[str, str]:
        # It looks at the form of a signature alone.
        scope = f"AKIA0123456789/20260101/{REGION}/s3/aws4_request"
        return {
            "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
        }

    def _wait_until_it_answers(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_MAX
        while True:
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, self._log.read_text()
            try:
                httpx.get(f"{self.url}/moto-api/", timeout=5)
                return
            except httpx.TransportError:
                time.sleep(0.05)
