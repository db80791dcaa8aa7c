"""wrk sends what our own clients would send."""

import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cases
import pytest
import wrk
from sale import Sale

SALES = [Sale(f"events/{name}", f"events/{name}/ticketTypes/t", capacity=9) for name in "ab"]


def test_it_can_do_cases_of_one_call_on_one_event_or_on_many():
    assert wrk.can(cases.holds(cases.SPREAD, SALES).variants)
    assert wrk.can(cases.empty_rpc().variants)
    assert not wrk.can(cases.mix(SALES[0]).variants)


@pytest.mark.skipif(wrk.find() is None, reason="wrk is not on the PATH (Debian: apt-get install wrk)")
def test_events_are_called_in_turn_each_time_with_an_id_of_its_own_and_what_was_answered_is_kept(tmp_path):
    seen: list[tuple[str, bytes]] = []

    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            seen.append((self.path, body))
            answer = b'{"name":"events/a/bookings/1","state":"BOOKING_STATE_HELD"}'
            self.send_response(200)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    job = {
        "host": "127.0.0.1", "port": server.server_port, "tokens": ["t"], "prefix": "p", "seconds": 1.0,
        "variants": cases.holds(cases.SPREAD, SALES).variants,
    }  # fmt: skip
    told = wrk.run(wrk.find(), job, tmp_path)
    server.shutdown()
    server.server_close()
    events = Counter(path.split("/bookings")[0] for path, _ in seen)
    assert set(events) == {"/v1/events/a", "/v1/events/b"}
    assert abs(events["/v1/events/a"] - events["/v1/events/b"]) <= 1
    assert len({path for path, _ in seen}) == len(seen)
    assert all(path.split("/")[3].encode() in body for path, body in seen)
    assert told["acknowledged"][0] == ["events/a/bookings/1", "BOOKING_STATE_HELD"]
    assert told["statuses"]["200"] >= len(told["latencies"]) > 0
