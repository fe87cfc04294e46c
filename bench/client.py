"""Runs a service for a while and asks it small things.

client.py serve LINES COMMAND ...     runs COMMAND --port PORT, a free one, until SIGTERM; when /readyz says yes it writes
                                      `pid`, `port` and `ready` (seconds from the start on) into LINES
client.py fill PORT STREAM KEYS ROUNDS    an event of one value for each key, so many rounds

Prints lines of `name value unit`, as all parts do.
"""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time

BATCH = 5_000
# So long a start may take before it counts as failed.
PATIENCE_S = 300


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def is_ready(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def serve(lines, command):
    port = free_port()
    begun = time.perf_counter()
    service = subprocess.Popen([*command, "--port", str(port)])
    signal.signal(signal.SIGTERM, lambda *_: service.terminate())
    while not is_ready(port):
        if service.poll() is not None or time.perf_counter() - begun > PATIENCE_S:
            service.kill()
            sys.exit(f"{command[0]} is not ready after {time.perf_counter() - begun:.1f} s")
        time.sleep(0.005)
    ready = time.perf_counter() - begun
    # Whoever waits for the file finds it whole.
    with open(f"{lines}.tmp", "w") as file:
        file.write(f"pid {service.pid} pid\nport {port} port\nready {ready:.3f} s\n")
    os.rename(f"{lines}.tmp", lines)
    sys.exit(service.wait())


def fill(port, stream, keys, rounds):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"content-type": "application/x-ndjson"}
    begun = time.perf_counter()
    for turn in range(rounds):
        for first in range(0, keys, BATCH):
            last = min(first + BATCH, keys)
            body = "".join(f'{{"source":"key-{key:07}","values":{{"value":{20 + (key + turn) % 7}}}}}\n' for key in range(first, last))
            while True:
                connection.request("POST", f"/api/v1/events?stream={stream}", body, headers)
                answer = connection.getresponse()
                text = answer.read()
                if answer.status != 503:
                    break
                time.sleep(0.1)
            if answer.status != 200:
                sys.exit(f"{answer.status}: {text[:500]!r}")
    print(f"filled {keys * rounds / (time.perf_counter() - begun):.0f} events/s")


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2], sys.argv[3:])
    elif sys.argv[1] == "fill":
        fill(int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
    else:
        sys.exit(__doc__)
