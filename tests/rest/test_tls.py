"""Whom TLS trusts, by which name, and that nothing of the image changes it."""

import os
import socket
import ssl
import subprocess
import unittest
import warnings

from support import Authority, RestTest, always, reply, with_files


class Tls(RestTest):
    def setUp(self):
        super().setUp()
        self.authority = Authority(self.directory)

    def secure(self, names, script=always(reply(200, "ok")), **options):
        return self.serve(script, tls=self.authority.context(names, **options))

    def test_by_address(self):
        server = self.secure("IP:127.0.0.1")
        self.assertEqual(self.fetch("--ca", self.authority.ca, server.url)["body"], "ok")

    def test_by_name_connected_elsewhere(self):
        server = self.secure("DNS:weir.system.svc")
        answer = self.fetch("--ca", self.authority.ca, "--connect-to", server.name, "https://weir.system.svc:8443/r")
        self.assertEqual((answer["body"], answer["url"]), ("ok", "https://weir.system.svc:8443/r"))
        self.assertEqual(server.requests[0].headers["host"], "weir.system.svc:8443")

    def test_connected_elsewhere_by_another_name(self):
        server = self.secure("IP:127.0.0.1,DNS:localhost")
        text = self.fails("--ca", self.authority.ca, "--connect-to", server.name, "https://weir.system.svc:8443/r")
        self.assertRegex(text, r"^weir.system.svc:8443 \(at %s\): TLS: .*weir\.system\.svc" % server.name)
        self.assertEqual(server.requests, [])

    def test_wrong_name(self):
        server = self.secure("DNS:other.example")
        self.assertIn("TLS: ", self.fails("--ca", self.authority.ca, server.url))
        self.assertEqual(server.requests, [])

    def test_unknown_ca(self):
        other = Authority(self.directory, "other")
        server = self.secure("IP:127.0.0.1")
        self.assertIn("TLS: SSL certificate problem", self.fails("--ca", other.ca, server.url))

    def test_expired(self):
        server = self.secure("IP:127.0.0.1", end="20210101000000Z")
        self.assertIn("expired", self.fails("--ca", self.authority.ca, server.url))

    def test_bundle_without_certificates(self):
        server = self.secure("IP:127.0.0.1")
        answer = self.fetch("--ca", self.write("empty.pem", "nothing\n"), server.url)
        self.assertEqual((answer["invalid"], "holds no certificate in PEM form" in answer["error"]), (True, True), answer)

    def test_old_versions_are_refused(self):
        context = self.authority.context("IP:127.0.0.1")
        context.set_ciphers("DEFAULT@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        self.assertIn("TLS: ", self.fails("--ca", self.authority.ca, self.serve(always(reply()), tls=context).url))

    def test_plain_server(self):
        server = self.serve(lambda request, connection: None)
        self.assertRegex(self.fails("--ca", self.authority.ca, server.url.replace("http:", "https:"), "--timeout", 2000), "TLS")

    def test_silent_server(self):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen(4)
            text = self.fails("--connect-timeout", 500, "https://127.0.0.1:%d/" % silent.getsockname()[1])
        self.assertIn("connected, but no TLS in time", text)

    def test_cut_in_the_middle(self):
        def script(request, connection):
            connection.sendall(b"HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\nhalf")

        self.fails("--ca", self.authority.ca, self.secure("IP:127.0.0.1", script).url)


    def test_certificate_of_the_client_is_wanted(self):
        context = self.authority.context("IP:127.0.0.1")
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(self.authority.ca)
        text = self.fails("--ca", self.authority.ca, self.serve(always(reply()), tls=context).url)
        self.assertRegex(text, "certificate required|reset by peer|Broken pipe")  # it hangs up right after it has said so


class Trust(RestTest):
    """Without certificates of the request."""

    def setUp(self):
        super().setUp()
        self.authority = Authority(self.directory)
        self.server = self.serve(always(reply(200, "ok")), tls=self.authority.context("IP:127.0.0.1"))

    def test_file_of_the_environment(self):
        self.assertEqual(self.fetch(self.server.url, env={"SSL_CERT_FILE": self.authority.ca})["body"], "ok")

    def test_missing_file_of_the_environment(self):
        answer = self.fetch(self.server.url, env={"SSL_CERT_FILE": "/no/such.pem"})
        self.assertEqual(answer["invalid"], True)
        self.assertIn("no CA certificates can be read from /no/such.pem", answer["error"])

    def test_directory_of_the_environment(self):
        os.mkdir(self.path("certs"))
        name = subprocess.run(["openssl", "x509", "-hash", "-noout", "-in", self.authority.ca], check=True,
                              capture_output=True, text=True).stdout.strip()
        os.link(self.authority.ca, self.path("certs/%s.0" % name))
        self.assertEqual(self.fetch(self.server.url, env={"SSL_CERT_DIR": self.path("certs")})["body"], "ok")

    def test_bundle_of_the_image(self):
        if not os.path.exists("/etc/ssl/certs/ca-certificates.crt"):
            self.skipTest("no bundle here")
        self.assertIn("TLS: SSL certificate problem", self.fails(self.server.url))
        with open(self.authority.ca) as file:
            wrap = with_files(self, {"/etc/ssl/certs/ca-certificates.crt": file.read()})
        self.assertEqual(self.fetch(self.server.url, wrap=wrap)["body"], "ok")

    def test_configuration_of_the_image_is_not_read(self):
        path = self.write("openssl.cnf", "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\n"
                          "CipherString = NULL\nMaxProtocol = TLSv1.1\n")
        env = {"SSL_CERT_FILE": self.authority.ca, "OPENSSL_CONF": path}
        self.assertEqual(self.fetch(self.server.url, env=env)["body"], "ok")


if __name__ == "__main__":
    unittest.main()
