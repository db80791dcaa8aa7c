"""Files of JSON Lines, each line a message: what import rpcs read."""

import json

from google.protobuf import json_format
from google.protobuf.message import Message

from domain_kit.refusals import InvalidArgument

_DEPTH = 10


def numbered_lines(text: str, *, most: int, field: str) -> list[tuple[int, str]]:
    """Lines that hold something, with their numbers from 1. InvalidArgument for far too many, empty ones included.

    Only a line feed ends a line (jsonlines.org): JSON strings may hold what Unicode calls line separators.
    """
    if text.count("\n") > 2 * most:
        raise InvalidArgument.of(field, f"must have 1 to {most} lines.")
    return [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]


def read_message(line: str, message: Message) -> str:
    """Fills the message from a line; why it cannot be read, "" when it was."""
    try:
        parsed = json.loads(line)
        if not isinstance(parsed, dict):
            return "must be a JSON object."
        json_format.ParseDict(parsed, message, max_recursion_depth=_DEPTH)
    except json.JSONDecodeError as error:
        return f"is no JSON: {error.msg} at column {error.colno}."
    except (json_format.ParseError, RecursionError, ValueError) as error:  # ValueError: a number of 5000 digits
        return _text(error)
    except SystemError:  # protobuf's answer to a lone surrogate in a field name
        return "has a field name that is no Unicode text."
    return ""


def _text(error: Exception) -> str:
    """The first line; lone surrogates, which JSON can escape and an answer cannot hold, become question marks."""
    return str(error).partition("\n")[0][:300].encode(errors="replace").decode()
