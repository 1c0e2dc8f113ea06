"""Answers whole and broken, deadlines, sizes, streams, names, and what happens when a callback starts or cancels."""

import email.utils
import socket
import time
import unittest

from support import (SANITIZED, Deaf, RestTest, always, reply, status_kb, unused_port, with_files)


class Answers(RestTest):
    def test_plain(self):
        server = self.serve(always(reply(200, "hello", "Content-Type: text/x")))
        answer = self.fetch(server.url + "/a?b=c")
        self.assertEqual((answer["status"], answer["body"], answer["contentType"]), (200, "hello", "text/x"))
        self.assertEqual((answer["location"], answer["retryAfterMs"], answer["terminated"]), (None, -1, True))
        request = server.requests[0]
        self.assertEqual((request.line, request.headers["accept"]), ("GET /a?b=c HTTP/1.1", "application/json"))

    def test_body_and_method(self):
        server = self.serve(always(reply(200)))
        self.fetch("--method", "PUT", "--body", '{"a":1}', server.url)
        self.fetch("--method", "POST", server.url)
        self.fetch("--method", "DELETE", server.url)
        put, post, delete = server.requests
        self.assertEqual((put.method, put.body, put.headers["content-type"]), ("PUT", '{"a":1}', "application/json"))
        self.assertNotIn("expect", put.headers)
        self.assertEqual((post.method, post.headers["content-length"]), ("POST", "0"))
        self.assertEqual(delete.method, "DELETE")

    def test_statuses_without_body(self):
        for status in (204, 304):
            server = self.serve(always(b"HTTP/1.1 %d X\r\n\r\n" % status))
            answer = self.fetch(server.url)
            self.assertEqual((answer["status"], answer["length"]), (status, 0))

    def test_head_of_a_page_has_no_body(self):
        server = self.serve(always(b"HTTP/1.1 200 X\r\nContent-Length: 5\r\n\r\n"))
        self.assertEqual(self.fetch("--method", "HEAD", server.url)["status"], 200)

    def test_chunked_in_pieces(self):
        def script(request, connection):
            for piece in b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n":
                connection.sendall(bytes([piece]))

        self.assertEqual(self.fetch(self.serve(script).url)["body"], "hello world")

    def test_until_the_connection_closes(self):
        def script(request, connection):
            connection.sendall(b"HTTP/1.0 200 X\r\n\r\nall of it")

        self.assertEqual(self.fetch(self.serve(script).url)["body"], "all of it")

    def test_1xx_comes_before_the_answer(self):
        server = self.serve(always(b"HTTP/1.1 103 Early\r\nLocation: /no\r\n\r\n" + reply(200, "yes")))
        answer = self.fetch(server.url)
        self.assertEqual((answer["body"], answer["location"]), ("yes", None))

    def test_retry_after(self):
        date = email.utils.formatdate(time.time() + 300, usegmt=True)
        for value, low, high in (("7", 7000, 7000), ("0", 0, 0), ("99999999999", 3600000, 3600000), ("soon", -1, -1),
                                 ("-5", -1, -1), (date, 280000, 300000), ("Thu, 01 Jan 2015 00:00:00 GMT", 0, 0)):
            server = self.serve(always(reply(503, "", "Retry-After: " + value)))
            self.assertTrue(low <= self.fetch(server.url)["retryAfterMs"] <= high, value)


class Broken(RestTest):
    def test_refused(self):
        port = unused_port()
        self.assertEqual(self.fails("http://127.0.0.1:%d/?secret=x" % port), "127.0.0.1:%d: connect: Connection refused" % port)

    def test_silent_server_ends_by_the_deadline(self):
        server = self.serve(lambda request, connection: time.sleep(20))
        begun = time.monotonic()
        self.assertEqual(self.fails("--timeout", 600, server.url), server.name + ": no complete answer in 600 ms")
        self.assertTrue(0.5 < time.monotonic() - begun < 5)

    def test_dripping_server_ends_by_the_deadline(self):
        def script(request, connection):
            connection.sendall(b"HTTP/1.1 200 X\r\nContent-Length: 100000\r\n\r\n")
            while True:
                connection.sendall(b"x")
                time.sleep(0.05)

        self.assertIn("no complete answer in 700 ms", self.fails("--timeout", 700, self.serve(script).url))

    def test_not_connected_in_time(self):
        deaf = Deaf()
        self.addCleanup(deaf.close)
        begun = time.monotonic()
        self.assertIn("not connected in time", self.fails("--connect-timeout", 500, "http://127.0.0.1:%d" % deaf.port))
        self.assertLess(time.monotonic() - begun, 5)

    def test_cut_in_the_middle_of_the_body(self):
        def script(request, connection):
            connection.sendall(b"HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\nhalf")

        self.assertIn("in the middle of the answer", self.fails(self.serve(script).url))

    def test_cut_in_the_middle_of_a_chunk(self):
        def script(request, connection):
            connection.sendall(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n50\r\nhalf")

        self.assertIn("in the middle of the answer", self.fails(self.serve(script).url))

    def test_closed_without_a_word(self):
        self.assertIn("without an answer", self.fails(self.serve(lambda request, connection: None).url))

    def test_garbage(self):
        for garbage in (b"SSH-2.0-OpenSSH_9.2\r\n", b"\0\1\2\3\r\n\r\n", b"<html>hi</html>\n"):
            def script(request, connection, garbage=garbage):
                connection.sendall(garbage)

            self.assertIn("the answer is not HTTP", self.fails(self.serve(script).url))

    def test_bad_chunks(self):
        server = self.serve(always(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n"))
        self.fails(server.url)

    def test_too_large(self):
        server = self.serve(always(reply(200, "x" * 1001)))
        answer = self.fetch("--max", 1000, server.url)
        self.assertEqual((answer["error"], answer["invalid"]), (server.name + ": the answer has more than 1000 bytes", True))
        self.assertEqual(self.fetch("--max", 1001, server.url)["length"], 1001)

    def test_requests_that_make_no_sense(self):
        for arguments in (["ftp://a/"], ["/x"], ["http://user:pass@127.0.0.1/"], ["http://a:99999/"], ["http:///x"],
                          ["--method", "G T", "http://127.0.0.1/"], ["--token", "a\nb: c", "https://127.0.0.1/"],
                          ["--type", "a\r\nb: c", "http://127.0.0.1/"], ["--connect-to", "x", "http://127.0.0.1/"]):
            answer = self.fetch(*arguments)
            self.assertTrue(answer["invalid"], arguments)
            self.assertNotIn("pass", answer["error"])


class Streams(RestTest):
    LENGTH = 20 * 1024 * 1024

    def test_20_mb_in_constant_memory(self):
        block = bytes(range(256)) * 256
        seen = {}

        def script(request, connection):
            connection.sendall(b"HTTP/1.1 200 X\r\nContent-Length: %d\r\n\r\n" % self.LENGTH)
            for _ in range(self.LENGTH // len(block)):
                connection.sendall(block)
            seen["rss"] = status_kb(process.pid, "VmHWM")

        server = self.serve(script)
        process = self.start("--sink", server.url)
        out, _ = process.communicate(timeout=60)
        self.assertIn('"length":0,', out)
        self.assertIn('"streamed":%d' % self.LENGTH, out)
        if not SANITIZED:
            self.assertLess(seen["rss"], 6 * 1024)

    def test_collected_when_it_is_no_success(self):
        server = self.serve(always(reply(404, "no such log")))
        answer = self.fetch("--sink", server.url)
        self.assertEqual((answer["body"], answer["streamed"]), ("no such log", 0))

    def test_cancelled_in_the_sink(self):
        def script(request, connection):
            connection.sendall(b"HTTP/1.1 200 X\r\nContent-Length: 1000000\r\n\r\nbegin")
            self.assertEqual(connection.recv(1), b"")
            server.done.set()

        server = self.serve(script)
        self.assertEqual(self.fetch("--sink", "--cancel-in-sink", "--linger", 100, server.url), {"cancelled": True})
        self.assertTrue(server.done.wait(10))

    def test_another_started_in_the_sink(self):
        server = self.serve(always(reply(200, "again")))
        lines = self.fetch_all("--sink", "--cancel-in-sink", "--again-in-sink", server.url)
        self.assertEqual([lines[0], lines[1]["status"], len(lines)], [{"cancelled": True}, 200, 2])


class Calls(RestTest):
    def test_cancelled_while_waiting(self):
        server = self.serve(lambda request, connection: time.sleep(20))
        begun = time.monotonic()
        self.assertEqual(self.fetch("--cancel-after", 200, server.url), {"cancelled": True})
        self.assertLess(time.monotonic() - begun, 5)

    def test_started_and_cancelled_in_done(self):
        server = self.serve(always(reply(200, "x")))
        lines = self.fetch_all("--cancel-in-done", "--again", 3, server.url)
        self.assertEqual([line["status"] for line in lines], [200] * 4)
        self.assertEqual(server.connections, 1)  # kept from one to the next

    def test_many_at_once(self):
        def script(request, connection):
            time.sleep(0.2)
            return reply(200, "x")

        begun = time.monotonic()
        lines = self.fetch_all("--parallel", 8, self.serve(script).url)
        self.assertEqual([line["status"] for line in lines], [200] * 8)
        self.assertLess(time.monotonic() - begun, 1.5)

    def test_no_spinning_while_it_waits(self):
        def script(request, connection):
            time.sleep(2)
            return reply(200)

        self.fetch(self.serve(script).url)
        self.assertLess(self.turns, 40)

    def test_kept_connection_is_closed_when_idle(self):
        server = self.serve(always(reply(200, "x")))
        process = self.start("--linger", 20000, server.url)
        self.assertEqual(self.wait_for(lambda: len(server.requests)), 1)
        self.assertEqual(server.open, 1)
        begun = time.monotonic()
        self.wait_for(lambda: server.open == 0)
        self.assertGreater(time.monotonic() - begun, 2)
        self.assertIsNone(process.poll())

    def test_kept_connection_is_closed_while_others_are_in_use(self):
        server, other = self.serve(always(reply(200, "x"))), self.serve(always(reply(200, "x")))
        process = self.start("--again", 40, "--every", 500, "--then", other.url, server.url)
        self.wait_for(lambda: len(other.requests) > 2)
        self.assertEqual((server.open, other.connections), (1, 1))
        self.wait_for(lambda: server.open == 0)
        self.assertEqual((other.open, process.poll()), (1, None))

    def test_a_dead_kept_connection_is_replaced(self):
        def script(request, connection):
            connection.sendall(reply(200, "x"))  # and closes, though it has not said so

        server = self.serve(script)
        lines = self.fetch_all("--again", 3, server.url)
        self.assertEqual([line.get("status") for line in lines], [200] * 4)

    def test_url_of_the_answer(self):
        server = self.serve(always(reply(200)))
        self.assertEqual(self.fetch(server.url + "/x")["url"], server.url + "/x")


class Names(RestTest):
    def test_localhost(self):
        server = self.serve(always(reply(200)))
        self.assertEqual(self.fetch("http://localhost:%d" % server.port)["status"], 200)

    def test_address_of_ipv6(self):
        try:
            server = self.serve(always(reply(200)), host="::1", family=socket.AF_INET6)
        except OSError:
            self.skipTest("no IPv6 here")
        self.assertEqual(self.fetch(server.url)["status"], 200)
        self.assertEqual(self.fetch("http://localhost:%d" % server.port)["status"], 200)

    def test_name_of_the_hosts_file(self):
        server = self.serve(always(reply(200)))
        wrap = with_files(self, {"/etc/hosts": "127.0.0.1 rm.cluster.example\n"})
        self.assertEqual(self.fetch("http://rm.cluster.example:%d" % server.port, wrap=wrap)["status"], 200)

    def test_without_any_configuration_of_names(self):
        server = self.serve(always(reply(200)))
        wrap = with_files(self, {"/etc/hosts": "", "/etc/resolv.conf": ""})
        self.assertEqual(self.fetch("http://localhost:%d" % server.port, wrap=wrap)["status"], 200)
        self.assertEqual(self.fetch(server.url, wrap=wrap)["status"], 200)

    def test_unknown_name(self):
        text = self.fails("--timeout", 3000, "http://no-such-host.invalid:80/")
        self.assertRegex(text, "^no-such-host.invalid:80: its name (is not known|was not resolved in time)$")

    def test_several_addresses_one_refuses(self):
        server = self.serve(always(reply(200)))
        wrap = with_files(self, {"/etc/hosts": "127.0.0.2 rm.example\n127.0.0.1 rm.example\n"})
        self.assertEqual(self.fetch("http://rm.example:%d" % server.port, wrap=wrap)["status"], 200)

    def test_several_addresses_one_is_silent(self):
        for deaf_host, host in (("127.0.0.2", "127.0.0.3"), ("127.0.0.3", "127.0.0.2")):
            deaf = Deaf(deaf_host)
            self.addCleanup(deaf.close)
            server = self.serve(always(reply(200)), host=host, port=deaf.port)
            wrap = with_files(self, {"/etc/hosts": "127.0.0.2 rm.example\n127.0.0.3 rm.example\n"})
            self.assertEqual(self.fetch("http://rm.example:%d" % server.port, wrap=wrap)["status"], 200)


if __name__ == "__main__":
    unittest.main()
