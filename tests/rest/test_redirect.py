"""Redirects: what is kept, what is dropped, and where they end."""

import time
import unittest

from support import Authority, RestTest, always, reply


def to(location, status=307, *headers):
    return always(reply(status, "moved", "Location: " + location, *headers))


class Redirects(RestTest):
    def target(self):
        return self.serve(lambda request, connection: reply(200, "%s %s %s" % (request.method, request.target, request.body)))

    def test_method_and_body_are_kept(self):
        target = self.target()
        for status in (307, 308):
            server = self.serve(to(target.url + "/x?y=z", status))
            for method in ("PUT", "POST"):
                answer = self.fetch("--redirects", 1, "--method", method, "--body", "data", server.url)
                self.assertEqual((answer["body"], answer["url"]), (method + " /x?y=z data", target.url + "/x?y=z"))

    def test_method_becomes_get(self):
        target = self.target()
        for status, method, wanted in ((303, "PUT", "GET /x "), (302, "POST", "GET /x "), (301, "POST", "GET /x "),
                                       (302, "PUT", "PUT /x data"), (301, "GET", "GET /x data")):
            server = self.serve(to(target.url + "/x", status))
            answer = self.fetch("--redirects", 1, "--method", method, "--body", "data", server.url)
            self.assertEqual(answer["body"], wanted)

    def test_not_followed_unless_allowed(self):
        server = self.serve(to("/elsewhere"))
        answer = self.fetch(server.url + "/a/b")
        self.assertEqual((answer["status"], answer["body"], answer["location"]), (307, "moved", server.url + "/elsewhere"))

    def test_circle(self):
        server = self.serve(to("/again"))
        answer = self.fetch("--redirects", 5, server.url)
        self.assertEqual((answer["status"], answer["location"]), (307, server.url + "/again"))
        self.assertEqual(len(server.requests), 6)

    def test_the_deadline_covers_all(self):
        server = self.serve(to("/again"))
        begun = time.monotonic()
        text = self.fails("--redirects", 1000000, "--timeout", 500, server.url)
        self.assertEqual(text, server.name + ": no complete answer in 500 ms")
        self.assertLess(time.monotonic() - begun, 3)

    def test_other_schemes_lead_nowhere(self):
        for location in ("ftp://127.0.0.1/x", "file:///etc/passwd", "http://user:pass@127.0.0.1/", "http://[", "gopher:x"):
            answer = self.fetch("--redirects", 3, self.serve(to(location)).url)
            self.assertEqual((answer["status"], answer["location"]), (307, None), location)

    def test_relative(self):
        server = self.serve(lambda request, connection: reply(200, request.target) if request.target == "/a/d?e=1"
                            else reply(302, "", "Location: d?e=1"))
        self.assertEqual(self.fetch("--redirects", 1, server.url + "/a/b?c=1")["body"], "/a/d?e=1")

    def test_refresh_of_an_older_standby(self):
        target = self.target()
        for status in (200, 307):
            server = self.serve(always(reply(status, "This is standby RM.", "Refresh: 3; url=%s/ws" % target.url)))
            answer = self.fetch(server.url)
            self.assertEqual((answer["status"], answer["location"]), (status, target.url + "/ws"))
            answer = self.fetch("--redirects", 1, "--method", "PUT", "--body", "data", server.url)
            self.assertEqual(answer["body"], "PUT /ws data")

    def test_refresh_elsewhere_says_nothing(self):
        for status, value in ((404, "3; url=http://127.0.0.1/"), (200, "3"), (200, "3; x=http://127.0.0.1/"), (200, "3; url=")):
            self.assertIsNone(self.fetch(self.serve(always(reply(status, "", "Refresh: " + value))).url)["location"])

    def test_body_of_a_redirect_is_not_streamed(self):
        server = self.serve(to(self.target().url + "/x"))
        answer = self.fetch("--sink", "--redirects", 1, server.url)
        self.assertEqual(answer["streamed"], len("GET /x "))

    def test_to_a_dead_server(self):
        answer = self.fetch("--redirects", 1, self.serve(to("http://127.0.0.1:1/x?secret=1")).url)
        self.assertEqual(answer["error"], "127.0.0.1:1: connect: Connection refused")


class Tokens(RestTest):
    def setUp(self):
        super().setUp()
        self.authority = Authority(self.directory)
        self.context = self.authority.context("IP:127.0.0.1,DNS:localhost")

    def secure(self, script):
        return self.serve(script, tls=self.context)

    def ask(self, url, *options):
        return self.fetch("--ca", self.authority.ca, "--token", "s3cret", "--redirects", 3, *options, url)

    def test_sent_by_https(self):
        server = self.secure(always(reply(200)))
        self.assertEqual(self.ask(server.url)["status"], 200)
        self.assertEqual(server.requests[0].headers["authorization"], "Bearer s3cret")

    def test_not_sent_by_http(self):
        server = self.serve(always(reply(200)))
        self.ask(server.url)
        self.assertNotIn("authorization", server.requests[0].headers)

    def test_kept_on_the_same_server(self):
        server = self.secure(lambda request, connection: reply(200) if request.target == "/b" else reply(307, "", "Location: /b"))
        self.assertEqual(self.ask(server.url + "/a")["status"], 200)
        self.assertEqual([one.headers.get("authorization") for one in server.requests], ["Bearer s3cret"] * 2)

    def test_not_sent_to_another_port_or_name(self):
        other = self.secure(always(reply(200)))
        for location in (other.url, other.url.replace("127.0.0.1", "localhost")):
            server = self.secure(to(location + "/x"))
            self.assertEqual(self.ask(server.url)["status"], 200)
            self.assertEqual(server.requests[0].headers["authorization"], "Bearer s3cret")
        self.assertEqual(["authorization" in one.headers for one in other.requests], [False, False])

    def test_no_way_down_to_http(self):
        plain = self.serve(always(reply(200)))
        answer = self.ask(self.secure(to(plain.url + "/x")).url)
        self.assertEqual((answer["status"], answer["location"], plain.requests), (307, plain.url + "/x", []))

    def test_up_to_https(self):
        secure = self.secure(always(reply(200)))
        self.assertEqual(self.ask(self.serve(to(secure.url)).url)["status"], 200)
        self.assertNotIn("authorization", secure.requests[0].headers)


if __name__ == "__main__":
    unittest.main()
