"""wrk as a second client beside our own: Debian packages it (`apt-get install wrk`)."""

import json
import resource
import shutil
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# Sends like load_client and keeps what was answered in a file, a line an answer; wrk itself gives the latencies.
SCRIPT = """
local tokens, acknowledged, number = {{ {tokens} }}, assert(io.open("{answers}", "w")), 0
local steps = {{ {steps} }}
function request()
  number = number + 1
  local step = steps[number % #steps + 1]
  local path = string.gsub(step.path, "{{id}}", "{prefix}." .. number)
  local headers = {{ ["authorization"] = "Bearer " .. tokens[number % #tokens + 1] }}
  if step.body ~= "" then headers["content-type"] = "application/json" end
  return wrk.format(step.method, path, headers, step.body ~= "" and step.body or nil)
end
if {keeps} then
  function response(status, headers, body)
    acknowledged:write(status, " ", string.match(body, '"name":"([^"]*)"') or "-", " ",
      string.match(body, '"state":"([^"]*)"') or string.match(body, '"reason":"([^"]*)"') or "-", "\\n")
    acknowledged:flush()
  end
end
function done(summary, latency)
  local found = {{}}
  for rank = 1, 1000 do found[rank] = math.floor(latency:percentile((rank - 0.5) / 10)) end
  io.write("RESULT ", summary.requests, " ", summary.duration, " ", table.concat(found, ","), "\\n")
end
"""


def find() -> str | None:
    """wrk on the PATH."""
    return shutil.which("wrk")


def run(program: str, job: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """What load_client would answer to a job of variants of one step without `{name}`, in whole seconds.

    wrk cuts its connections at the end: that many calls may have no answer. Latencies are a thousand quantiles,
    repeated as often as there were calls.
    """
    steps = [step for (step,) in job["variants"]]
    answers, script = folder / "wrk.answers", folder / "wrk.lua"
    books = bool(steps[0].get("body"))
    script.write_text(
        SCRIPT.format(
            tokens=", ".join(json.dumps(token) for token in job["tokens"]),
            answers=answers,
            steps=", ".join(_lua(step) for step in steps),
            prefix=job["prefix"],
            keeps="true" if books else "false",
        )
    )
    clients, seconds = len(job["tokens"]), max(1, round(job["seconds"]))
    command = [
        program,
        "-t1",
        f"-c{clients}",
        f"-d{seconds}s",
        "-s",
        str(script),
        f"http://{job['host']}:{job['port']}",
    ]
    cpu = _children()
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60).stdout
    spent = _children() - cpu
    result = next(line for line in told.splitlines() if line.startswith("RESULT ")).split()
    requests, micros, quantiles = int(float(result[1])), float(result[2]), [int(each) for each in result[3].split(",")]
    lines = [line.split() for line in answers.read_text().splitlines()]
    bad = [line for line in lines if line[0] != "200"]
    return {
        "latencies": [quantiles[number * len(quantiles) // requests] for number in range(requests)] if requests else [],
        "statuses": Counter(line[0] for line in lines) if books else {"200": requests},
        "reasons": Counter(line[2] for line in bad),
        "acknowledged": [line[1:] for line in lines if line[0] == "200"],
        "unanswered": clients if books else 0,
        "cpu_seconds": spent,
        "seconds": micros / 1e6,
        "elapsed": micros / 1e6,
    }


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def can(variants: Sequence[Sequence[Mapping[str, str]]]) -> bool:
    """Whether wrk can do it: one call an iteration."""
    return all(len(steps) == 1 for steps in variants)


def _lua(step: Mapping[str, str]) -> str:
    """JSON strings are Lua's too, of what is in ASCII without control characters."""
    fields = {"method": step["method"], "path": step["path"], "body": step.get("body", "")}
    return "{ " + ", ".join(f"{name} = {json.dumps(value)}" for name, value in fields.items()) + " }"
