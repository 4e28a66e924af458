"""A real etcd and kube-apiserver on loopback, and nothing else, for the tests of the client.

The server can be killed and started again on the same port and data, and a second one put on the same etcd, which is
what these tests are about and why ``autox cluster up`` is not enough for them. The programs are the same.
"""

import os
import secrets
import signal
import socket
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from autox.cluster.binaries.progress import Silent
from autox.cluster.binaries.providing import provide
from autox.cluster.binaries.settings import BinarySettings
from autox.cluster.binaries.tools import Tool
from tests.clusters import RARELY

ADMIN = "admin"
START_SECONDS = 60
PORTS = range(16_384, 32_768)  # below those of connections that go out


def program(tool: Tool) -> str:
    """Where a program of the control plane is; it is got if it is not there."""
    settings = BinarySettings.from_environment(os.environ)
    return str(provide([tool], settings=settings, progress=Silent())[tool].path)


def free_port() -> int:
    """A port on loopback that nobody listens on now."""
    while True:
        # NB: of those that the kernel hands out, it hands out one again before a program that is told of it listens.
        port = PORTS.start + secrets.randbelow(len(PORTS))
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Authority:
    """A certificate authority that writes PEM files into a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test-ca")])
        builder = self._builder(self._name, self._key.public_key())
        certificate = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.file = directory / "ca.crt"
        self.file.write_bytes(self._signed(certificate))

    def issue(self, name: str, *, groups: Sequence[str] = (), hosts: Sequence[str] = ()) -> tuple[Path, Path]:
        """A certificate with its key; with hosts one for a server."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name(
            [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
            + [x509.NameAttribute(NameOID.COMMON_NAME, name)]
        )
        builder = self._builder(subject, key.public_key())
        if hosts:
            names: list[x509.GeneralName] = [
                x509.IPAddress(ip_address(host)) if host[0].isdigit() else x509.DNSName(host) for host in hosts
            ]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate_file, key_file = self.directory / f"{name}.crt", self.directory / f"{name}.key"
        certificate_file.write_bytes(self._signed(builder))
        key_file.write_bytes(private_pem(key))
        return certificate_file, key_file

    def _builder(self, subject: x509.Name, public_key: Any) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
        )

    def _signed(self, builder: x509.CertificateBuilder) -> bytes:
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def private_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    """A private key as PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


class ApiServer:
    """One etcd with one kube-apiserver."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.authority = Authority(directory)
        self.authority.issue("server", hosts=["127.0.0.1", "localhost", "kubernetes.default.svc"])
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        (directory / "accounts.key").write_bytes(private_pem(key))
        self.port = free_port()
        self._etcd_port = free_port()
        self._etcd: subprocess.Popen[bytes] | None = None
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where the server listens."""
        return f"https://127.0.0.1:{self.port}"

    def start(self, *flags: str, port: int | None = None) -> None:
        """Start what does not run, and wait until the server is ready."""
        if self._etcd is None:
            self._etcd = self._spawn(*self._etcd_command(free_port()), log="etcd.log")
        self._server = self._spawn(*self._server_command(flags, port or self.port), log="apiserver.log")
        self._wait_ready(self._server, port or self.port)

    def start_second(self, *flags: str) -> tuple[int, subprocess.Popen[bytes]]:
        """Another API server on the same etcd; returns its port and process, which ``stop_process`` ends."""
        port = free_port()
        process = self._spawn(*self._server_command(flags, port), log="second.log")
        self._wait_ready(process, port)
        return port, process

    def kill(self) -> None:
        """SIGKILL the API server and wait until it is gone."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._server = None

    def pause(self) -> None:
        """SIGSTOP: connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)
        # NB: threads that run go on for a moment, and may still answer.
        while self._server is not None and _runs(self._server.pid):
            time.sleep(0.01)

    def resume(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def rest(self) -> None:
        """Stop both in their tracks until they are woken: an idle one costs CPU time, too."""
        for process in filter(None, (self._server, self._etcd)):
            process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Let both go on; the other way round, so that the server finds its etcd."""
        for process in filter(None, (self._etcd, self._server)):
            process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End both; the API server first, which would wait for its etcd for ever."""
        self.kill()
        if self._etcd is not None:
            self._etcd.kill()
            self._etcd.wait()
            self._etcd = None

    def compact(self, revision: int) -> None:
        """Make etcd forget every revision before this one."""
        body = f'{{"revision": "{revision}", "physical": true}}'.encode()
        url = f"http://127.0.0.1:{self._etcd_port}/v3/kv/compaction"
        with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=10) as answer:
            answer.read()

    def kubeconfig(
        self, user: str = ADMIN, *, groups: Sequence[str] = ("system:masters",), url: str | None = None
    ) -> Path:
        """A kubeconfig for a user with a certificate of its own."""
        certificate, key = self.authority.issue(user, groups=groups)
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": user}}],
            "clusters": [{"name": "test", "cluster": {"server": url or self.url, "certificate-authority": "ca.crt"}}],
            "users": [{"name": user, "user": {"client-certificate": certificate.name, "client-key": key.name}}],
        }
        path = self.directory / f"{user}-{(url or self.url).rsplit(':', 1)[1]}.kubeconfig"
        path.write_text(yaml.safe_dump(config))
        return path

    def _spawn(self, *command: str, log: str) -> subprocess.Popen[bytes]:
        with (self.directory / log).open("ab") as output:
            environ = {**os.environ, **RARELY}
            return subprocess.Popen(command, env=environ, stdout=output, stderr=output, stdin=subprocess.DEVNULL)

    def _signal(self, number: signal.Signals) -> None:
        if self._server is not None:
            self._server.send_signal(number)

    def _wait_ready(self, process: subprocess.Popen[bytes], port: int) -> None:
        trust = ssl.create_default_context(cafile=self.authority.file)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"https://127.0.0.1:{port}/readyz", context=trust, timeout=5):
                    return
            except OSError:
                time.sleep(0.1)
        tail = "\n".join(path.read_text(errors="replace")[-2000:] for path in self.directory.glob("*.log"))
        raise RuntimeError(f"the API server did not become ready:\n{tail}")

    def _etcd_command(self, peer_port: int) -> list[str]:
        client, peer = f"http://127.0.0.1:{self._etcd_port}", f"http://127.0.0.1:{peer_port}"
        return [
            program(Tool.ETCD),
            f"--data-dir={self.directory / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]

    def _server_command(self, flags: Sequence[str], port: int) -> list[str]:
        at = self.directory
        return [
            program(Tool.KUBE_APISERVER),
            f"--etcd-servers=http://127.0.0.1:{self._etcd_port}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={port}",
            "--endpoint-reconciler-type=none",
            "--authorization-mode=Node,RBAC",
            f"--client-ca-file={at / 'ca.crt'}",
            f"--tls-cert-file={at / 'server.crt'}",
            f"--tls-private-key-file={at / 'server.key'}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={at / 'accounts.key'}",
            f"--service-account-signing-key-file={at / 'accounts.key'}",
            "--service-cluster-ip-range=10.96.0.0/16",
            # No controller manager runs here to make the service accounts that pods would need.
            "--disable-admission-plugins=ServiceAccount",
            *flags,
        ]


def _runs(pid: int) -> bool:
    """Whether one of a process's threads is not stopped yet; the state follows the name, which may hold any sign."""
    return any(
        each.read_text().rpartition(")")[2].split()[0] not in "TtZX"
        for each in Path(f"/proc/{pid}/task").glob("*/stat")
    )
