"""Makes the bare cluster's certificates and keys with the openssl command. Called by bare.py; kept until `down`.

One authority signs a certificate for each component, as the Node and RBAC authorizers expect their names to be.
"""

from dataclasses import dataclass
from pathlib import Path

from dev.cluster.commands import run
from dev.cluster.layout import NODE_NAME
from dev.cluster.network import NetworkPlan

_DAYS = "3650"


@dataclass(frozen=True)
class Certificate:
    """One certificate to make: its file name, subject, and the names a server may be called by."""

    name: str
    subject: str
    names: tuple[str, ...] = ()


def plan_certificates(network: NetworkPlan) -> list[Certificate]:
    """Every certificate that the components need."""
    here = ("DNS:localhost", "IP:127.0.0.1", f"IP:{network.gateway}")
    service = tuple(f"DNS:kubernetes{rest}" for rest in ("", ".default", ".default.svc", ".default.svc.cluster.local"))
    return [
        Certificate("server", "/CN=kube-apiserver", (*here, f"IP:{network.api_service}", *service)),
        Certificate("etcd", "/CN=etcd", ("IP:127.0.0.1",)),
        Certificate("kubelet", f"/CN={NODE_NAME}", (f"DNS:{NODE_NAME}", *here)),
        Certificate("admin", "/O=system:masters/CN=towpath-dev-admin"),
        Certificate("kubelet-client", "/O=system:masters/CN=kube-apiserver-kubelet-client"),
        Certificate("node", f"/O=system:nodes/CN=system:node:{NODE_NAME}"),
        Certificate("controller-manager", "/CN=system:kube-controller-manager"),
        Certificate("scheduler", "/CN=system:kube-scheduler"),
        Certificate("proxy", "/CN=system:kube-proxy"),
        Certificate("coredns", "/CN=system:coredns"),
    ]


def make_certificates(pki: Path, network: NetworkPlan) -> None:
    """Make what is missing or was planned otherwise; what an earlier start made is kept, so that its tokens stay good."""
    pki.mkdir(mode=0o700, parents=True, exist_ok=True)
    for authority in ("ca", "front-proxy-ca"):
        _make(pki, Certificate(authority, f"/CN=towpath-dev-{authority}"), signed=False)
    for certificate in plan_certificates(network):
        _make(pki, certificate, signed=True)
    key, public = pki / "service-accounts.key", pki / "service-accounts.pub"
    if not public.exists():
        run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key])
        run(["openssl", "pkey", "-in", key, "-pubout", "-out", f"{public}.partial"])
        Path(f"{public}.partial").rename(public)


def _make(folder: Path, certificate: Certificate, *, signed: bool) -> None:
    authority = (folder / "ca.crt").read_text() if signed else ""
    plan = f"{certificate}\n{authority}"
    written = folder / f"{certificate.name}.plan"  # written last: without it, the certificate may be half made
    if written.exists() and written.read_text() == plan:
        return
    argv: list[str | Path] = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    argv += ["-noenc", "-days", _DAYS, "-subj", certificate.subject]
    argv += ["-keyout", folder / f"{certificate.name}.key", "-out", folder / f"{certificate.name}.crt"]
    if signed:
        argv += ["-CA", folder / "ca.crt", "-CAkey", folder / "ca.key", "-addext", "basicConstraints=critical,CA:FALSE"]
        argv += ["-addext", "keyUsage=critical,digitalSignature", "-addext", "extendedKeyUsage=serverAuth,clientAuth"]
    if certificate.names:
        argv += ["-addext", f"subjectAltName={','.join(certificate.names)}"]
    run(argv)
    written.write_text(plan)
