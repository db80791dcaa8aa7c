"""Every line is one JSON object that says who, when, what, and which request it belongs to."""

import logging
from datetime import datetime

from telemetry import bind_correlation_id, continue_from

HEADER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_line_carries_service_time_level_logger_and_its_facts(lines):
    logging.getLogger("booking.lanes").info("Lane stalled", extra={"lane": 3})
    (line,) = lines.parsed()
    assert datetime.fromisoformat(line.pop("time")).tzinfo is not None
    assert (line.pop("level"), line.pop("logger"), line.pop("service")) == ("info", "booking.lanes", "booking")
    assert line == {"message": "Lane stalled", "lane": 3}


def test_inside_a_request_lines_carry_its_correlation_and_trace(lines):
    with continue_from(HEADER, "c-1"):
        logging.getLogger("x").warning("Slow")
    logging.getLogger("x").warning("Outside")
    inside, outside = lines.parsed()
    assert inside["correlation_id"] == "c-1"
    assert (inside["trace_id"], inside["span_id"]) == ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
    assert not {"correlation_id", "trace_id", "span_id"} & set(outside)


def test_a_librarys_warning_is_json_too_and_its_chatter_is_left_out(lines):
    with bind_correlation_id("c-2"):
        logging.getLogger("pymongo").info("Joined group %s", "g")
        logging.getLogger("pymongo").error("Lost %s", "broker")
    (line,) = lines.parsed()
    assert (line["message"], line["logger"], line["level"]) == ("Lost broker", "pymongo", "error")
    assert line["correlation_id"] == "c-2"


def test_below_the_level_nothing_is_written(lines):
    logging.getLogger("x").debug("Quiet")
    assert lines.getvalue() == ""


def test_an_exception_is_one_line_with_its_traceback(lines):
    try:
        raise KeyError("pool")
    except KeyError:
        logging.getLogger("x").exception("Failed")
    (line,) = lines.parsed()
    assert "KeyError: 'pool'" in line["exception"]
    assert lines.getvalue().count("\n") == 1


def test_values_under_secret_names_are_hidden(lines):
    secrets = {"refresh_token": "abc", "Authorization": "Bearer x"}
    logging.getLogger("x").info("Signed in", extra={**secrets, "user": "users/1"})
    (line,) = lines.parsed()
    assert (line["refresh_token"], line["Authorization"], line["user"]) == ("[hidden]", "[hidden]", "users/1")


def test_plain_loggers_of_ours_tell_their_facts_and_talkative_libraries_only_warn(lines):
    logging.getLogger("grpc_runtime.server").info("listening", extra={"port": 50051})
    logging.getLogger("elastic_transport.transport").info("GET / [200]")
    logging.getLogger("aiokafka").error("away")
    logging.getLogger("stripe").warning("slow")
    assert [(line["message"], line.get("port")) for line in lines.parsed()] == [("listening", 50051), ("slow", None)]


def test_a_fact_that_json_does_not_know_and_letters_of_any_script_are_written(lines):
    logging.getLogger("x").info("Zürich opened", extra={"zone": {1}})
    (line,) = lines.parsed()
    assert (line["message"], line["zone"]) == ("Zürich opened", "{1}")
    assert "Zürich" in lines.getvalue()
