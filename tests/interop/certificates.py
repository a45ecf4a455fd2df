"""Keys and certificates for receivers: an authority of our own, and what it signs. By the openssl command line."""

import hashlib
import subprocess
from pathlib import Path


def _openssl(*args):
    return subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True).stdout


class Authority:
    """A certificate authority that lives as long as the folder. Trusted by whom we tell."""

    def __init__(self, folder, name="Wavepost test authority"):
        self.dir = Path(folder)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.key, self.certificate = self.dir / "authority.key", self.dir / "authority.pem"
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                 "-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE", "-addext",
                 "keyUsage=critical,keyCertSign", "-keyout", self.key, "-out", self.certificate)

    def issue(self, *names):
        """A PEM file of key, certificate and authority for these DNS names."""
        base = self.dir / names[0]
        key, request, certificate = (Path(f"{base}.{kind}") for kind in ("key", "csr", "crt"))
        extensions = Path(f"{base}.ext")
        extensions.write_text("subjectAltName=" + ",".join(f"DNS:{name}" for name in names)
                              + "\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n")
        _openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={names[0]}", "-keyout", key, "-out", request)
        _openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
                 "-days", "2", "-extfile", extensions, "-out", certificate)
        chain = Path(f"{base}.chain.pem")
        chain.write_text(key.read_text() + certificate.read_text() + self.certificate.read_text())
        return chain


def tlsa_end_entity(chain):
    """TLSA 3 1 1 (RFC 7672 section 3.1.1) of the first certificate in the file, as zone text."""
    public = subprocess.run(["openssl", "x509", "-in", chain, "-pubkey", "-noout"], check=True,
                            capture_output=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=public, check=True,
                         capture_output=True).stdout
    return f"3 1 1 {hashlib.sha256(der).hexdigest()}"


def tlsa_authority(authority):
    """TLSA 2 0 1 of an authority's certificate (RFC 7672 section 3.1.2), as zone text."""
    der = _openssl("x509", "-in", authority.certificate, "-outform", "DER")
    return f"2 0 1 {hashlib.sha256(der).hexdigest()}"


def mail_certificate(authority, address, algorithm, password):
    """A PKCS#12 file with a certificate for S/MIME of this address. algorithm: as openssl's -newkey, or "ec"."""
    key, request, certificate, extensions, bundle = (authority.dir / f"{address}.{kind}"
                                                     for kind in ("key", "csr", "crt", "ext", "p12"))
    new_key = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if algorithm == "ec" else [algorithm]
    extensions.write_text(f"subjectAltName=email:{address}\nbasicConstraints=CA:FALSE\n"
                          "keyUsage=critical,digitalSignature\nextendedKeyUsage=emailProtection\n")
    _openssl("req", "-newkey", *new_key, "-nodes", "-subj", f"/CN={address}", "-keyout", key, "-out", request)
    _openssl("x509", "-req", "-in", request, "-CA", authority.certificate, "-CAkey", authority.key,
             "-CAcreateserial", "-days", "2", "-extfile", extensions, "-out", certificate)
    _openssl("pkcs12", "-export", "-inkey", key, "-in", certificate, "-certfile", authority.certificate, "-passout",
             f"pass:{password}", "-out", bundle)
    return bundle
