"""Reads names until its parent hangs up: `python -m izumi.naming.child FD`.

FD is a connected socket. It says one line when it is ready, and then answers every line,
a `Question` in JSON, with one line, an `Answer`.
"""

import socket
import sys

import msgspec

from izumi.domain import rules
from izumi.domain.identify import identify
from izumi.naming.answer import Question, answer

READY = b"ready\n"


def serve(connection: socket.socket) -> None:
    """Answer until the other side closes."""
    decode = msgspec.json.Decoder(Question).decode
    with connection, connection.makefile("rb") as lines:
        connection.sendall(READY)
        for line in lines:
            question = decode(line)
            extras = question.filing.extras
            read = identify(question.name, folders=question.folders, extras=extras)
            hint = question.filing.hint
            found = rules.apply(read, question.rules, question.fix, hint)
            connection.sendall(msgspec.json.encode(answer(found, read, question)) + b"\n")


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
