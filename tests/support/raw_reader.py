"""A reader of names that asks anitopy without its guard: `raw_reader.py FD`."""

import json
import socket
import sys

import anitopy

with socket.socket(fileno=int(sys.argv[1])) as connection, connection.makefile("rb") as lines:
    connection.sendall(b"ready\n")
    for line in lines:
        name = json.loads(line)["name"]
        if name == "die":
            sys.exit(3)
        if name == "chatter":
            connection.sendall(b"not json\n")
            continue
        title = (anitopy.parse(name) or {}).get("anime_title", "")
        answer = {"episode": {"show": title}, "key": f"{title}/{name}"}
        connection.sendall(json.dumps(answer).encode() + b"\n")
