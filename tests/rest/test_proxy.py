"""Directly first; by the environment's proxy only what cannot be reached directly."""

import socket
import threading
import time
import unittest

from support import Authority, Deaf, RestTest, always, reply, unused_port


def tunnel(request, connection):
    """Answers CONNECT by joining the two, whatever name is asked for, to the port in it at this machine."""
    port = int(request.target.rpartition(":")[2])
    other = socket.create_connection(("127.0.0.1", port))
    connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")

    def pump(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    back = threading.Thread(target=pump, args=(other, connection), daemon=True)
    back.start()
    pump(connection, other)
    back.join(10)
    other.close()


class Proxy(RestTest):
    def setUp(self):
        super().setUp()
        self.proxy = self.serve(always(reply(200, "by proxy")))
        self.env = {"http_proxy": self.proxy.url}
        self.unreachable = "http://127.0.0.1:%d/x" % unused_port()

    def test_directly_when_that_works(self):
        server = self.serve(always(reply(200, "direct")))
        self.assertEqual(self.fetch(server.url, env=self.env)["body"], "direct")
        self.assertEqual(self.proxy.connections, 0)

    def test_an_answer_is_an_answer(self):
        server = self.serve(always(reply(503, "busy")))
        self.assertEqual(self.fetch(server.url, env=self.env)["body"], "busy")

    def test_connected_and_silent_is_no_reason(self):
        server = self.serve(lambda request, connection: time.sleep(20))
        self.assertIn("no complete answer", self.fails("--timeout", 1000, server.url, env=self.env))
        self.assertEqual(self.proxy.connections, 0)

    def test_connected_and_no_tls_is_no_reason(self):
        silent = self.serve(lambda request, connection: None)
        url = silent.url.replace("http:", "https:")
        self.assertIn("no TLS in time", self.fails("--connect-timeout", 500, url, env={"https_proxy": self.proxy.url}))
        self.assertEqual(self.proxy.connections, 0)

    def test_when_refused(self):
        answer = self.fetch(self.unreachable, env=self.env)
        self.assertEqual(answer["body"], "by proxy")
        self.assertEqual(self.proxy.requests[0].line, "GET %s HTTP/1.1" % self.unreachable)

    def test_when_the_name_is_not_known(self):
        answer = self.fetch("http://no-such-host.invalid/x", env=self.env)
        self.assertEqual(answer["body"], "by proxy")

    def test_when_connecting_takes_too_long(self):
        deaf = Deaf()
        self.addCleanup(deaf.close)
        for options in (["--connect-timeout", 400], ["--timeout", 1600]):
            answer = self.fetch(*options, "http://127.0.0.1:%d/" % deaf.port, env=self.env)
            self.assertEqual(answer.get("body"), "by proxy", answer)

    def test_all_proxy(self):
        self.assertEqual(self.fetch(self.unreachable, env={"all_proxy": self.proxy.url})["body"], "by proxy")

    def test_never_when_direct(self):
        self.assertIn("Connection refused", self.fails("--direct", self.unreachable, env=self.env))
        self.assertEqual(self.proxy.connections, 0)

    def test_no_proxy(self):
        for value in ("127.0.0.1", "*", "127.0.0.0/8"):
            text = self.fails(self.unreachable, env={**self.env, "no_proxy": value})
            self.assertTrue(text.endswith("connect: Connection refused") and "proxy" not in text, text)
        self.assertEqual(self.proxy.connections, 0)

    def test_the_body_is_sent_once_more(self):
        self.fetch("--method", "PUT", "--body", "data", self.unreachable, env=self.env)
        self.assertEqual((self.proxy.requests[0].method, self.proxy.requests[0].body), ("PUT", "data"))

    def test_dead_proxy(self):
        text = self.fails(self.unreachable, env={"http_proxy": "http://me:pass@127.0.0.1:%d" % unused_port()})
        self.assertRegex(text, r"^127.0.0.1:\d+: not connected directly; by the proxy: ")
        self.assertNotIn("pass", text)

    def test_refusing_proxy(self):
        proxy = self.serve(always(reply(403)))
        text = self.fails("https://no-such-host.invalid/x", env={"https_proxy": proxy.url})
        self.assertRegex(text, "^no-such-host.invalid:443: not connected directly; by the proxy: .*403")

    def test_unusable_proxy(self):
        for value in ("http://me:pass@[", "nonsense://me:pass@x:1", "http://me:pass@no-such-host.invalid:1"):
            text = self.fails(self.unreachable, env={"http_proxy": value})
            self.assertIn("proxy", text)
            self.assertNotIn("pass", text)

    def test_the_deadline_covers_both(self):
        silent = self.serve(lambda request, connection: time.sleep(20))
        begun = time.monotonic()
        self.fails("--timeout", 800, self.unreachable, env={"http_proxy": silent.url})
        self.assertLess(time.monotonic() - begun, 5)

    def test_tls_through_the_proxy_keeps_the_token_from_it(self):
        authority = Authority(self.directory)
        server = self.serve(always(reply(200, "inside")), tls=authority.context("DNS:no-such-host.invalid"))
        proxy = self.serve(tunnel)
        answer = self.fetch("--ca", authority.ca, "--token", "s3cret", "https://no-such-host.invalid:%d/x" % server.port,
                            env={"https_proxy": proxy.url})
        self.assertEqual(answer.get("body"), "inside", answer)
        self.assertEqual(server.requests[0].headers["authorization"], "Bearer s3cret")
        self.assertEqual(proxy.requests[0].method, "CONNECT")
        self.assertNotIn("authorization", proxy.requests[0].headers)


if __name__ == "__main__":
    unittest.main()
