"""TLS to the API server: one context, no key material left in files."""

from __future__ import annotations

import os
import ssl
import tempfile
from pathlib import Path

from ko_tui.backend.source.credentials import Identity
from ko_tui.backend.source.interface import NotAuthorised
from ko_tui.backend.source.kubeconfig import KubeconfigError, Target


def tls_context(target: Target, identity: Identity) -> ssl.SSLContext:
    """A client context that trusts the cluster's authority and shows the identity's certificate.

    Raises KubeconfigError for an authority that cannot be used, NotAuthorised for a certificate without a
    fitting key.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if target.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif authority := target.cluster.content("certificate-authority"):
        try:
            context.load_verify_locations(cadata=authority.decode("ascii"))
        except (ssl.SSLError, UnicodeDecodeError) as error:
            raise KubeconfigError(
                f"The certificate authority of cluster {target.cluster_name!r} cannot be used: {error}."
            ) from None
    else:
        context.load_default_certs()
    if identity.certificate:
        try:
            _load_certificate(context, identity)
        except (ssl.SSLError, OSError) as error:
            raise NotAuthorised(
                f"The client certificate of user {target.user_name!r} cannot be used: {error}."
            ) from None
    return context


def _load_certificate(context: ssl.SSLContext, identity: Identity) -> None:
    """OpenSSL takes files only: one in memory where the system has that, else one that lives for this call."""
    pem = identity.certificate.rstrip() + b"\n" + identity.key
    if hasattr(os, "memfd_create") and Path("/proc/self/fd").is_dir():
        descriptor = os.memfd_create("ko-tui-certificate", os.MFD_CLOEXEC)
        try:
            os.write(descriptor, pem)
            context.load_cert_chain(f"/proc/self/fd/{descriptor}")
        finally:
            os.close(descriptor)
        return
    with tempfile.TemporaryDirectory(prefix="ko-tui-") as private:  # made with mode 0700
        path = Path(private) / "certificate.pem"
        path.touch(mode=0o600)
        path.write_bytes(pem)
        context.load_cert_chain(path)
