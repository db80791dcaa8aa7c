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
function request()
  number = number + 1
  local path = string.gsub("{path}", "{{id}}", "{prefix}." .. number)
  local headers = {{ ["authorization"] = "Bearer " .. tokens[number % #tokens + 1] }}
  if "{body}" ~= "" then headers["content-type"] = "application/json" end
  return wrk.format("{method}", path, headers, "{body}" ~= "" and "{body}" or nil)
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
    """What load_client would answer to a job of one step without `{name}`, rounded up to whole seconds.

    wrk cuts its connections at the end: that many calls may have no answer. Latencies are a thousand quantiles,
    repeated as often as there were calls.
    """
    (step,) = job["variants"][0]
    answers, script = folder / "wrk.answers", folder / "wrk.lua"
    books = bool(step.get("body"))
    script.write_text(
        SCRIPT.format(
            tokens=", ".join(json.dumps(token) for token in job["tokens"]),
            answers=answers,
            path=step["path"],
            prefix=job["prefix"],
            method=step["method"],
            body=step.get("body", "").replace('"', '\\"'),
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
    """Whether wrk can do it: one call an iteration, always the same."""
    return len(variants) == 1 and len(variants[0]) == 1
