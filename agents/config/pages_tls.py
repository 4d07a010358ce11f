"""Whether the pages can be served over TLS as it is set, and asked for by other workers."""

import ssl


def pages_tls_problem(certificate: str | None, key: str | None, ca: str | None) -> str | None:
    """Why nobody could ask for the pages in this way; None where it may work."""
    if bool(certificate) != bool(key):
        return "web_certificate and web_key belong together"
    try:
        server_context(certificate, key)
        peer_context(ca)
    except OSError as error:  # ssl's own errors are among them
        return f"web_certificate, web_key or web_ca cannot be read: {error.strerror or error}"
    return None


def server_context(certificate: str | None, key: str | None) -> ssl.SSLContext | None:
    """What pages are served with; None for plain HTTP. Raises OSError where a file cannot be read, or is none."""
    if certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key, _no_password)
    return context


def peer_context(ca: str | None) -> ssl.SSLContext | None:
    """How others' certificates are checked; None for as the system trusts. Raises OSError."""
    return ssl.create_default_context(cafile=ca) if ca is not None else None


def _no_password() -> str:
    raise OSError("the key is encrypted: write it without a password")
