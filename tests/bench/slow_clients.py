"""slow_clients.py PORT COUNT SECONDS – COUNT connections that drip a head, drip a body or do not read, for SECONDS."""
import selectors
import socket
import sys
import time

port, count, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
HEAD = b'GET /hello HTTP/1.1\r\nHost: a\r\nX: '
BODY = b'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n'
READ = b'GET /blob?n=5000000 HTTP/1.1\r\nHost: a\r\n\r\n'


def open_one(i):
    s = socket.socket()
    if i % 20 == 2:  # few: each makes the server hold much
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.connect(('127.0.0.1', port))
    s.setblocking(False)
    s.send(READ if i % 20 == 2 else HEAD if i % 2 else BODY)
    return s


sockets = [open_one(i) for i in range(count)]
end = time.monotonic() + seconds
cuts = 0
while time.monotonic() < end:
    begin = time.monotonic()
    for i, s in enumerate(sockets):
        if i % 20 == 2:
            continue
        try:
            s.send(b'y')
        except (BrokenPipeError, ConnectionResetError):
            cuts += 1
            s.close()
            sockets[i] = open_one(i)
        except BlockingIOError:
            pass
    time.sleep(max(0, 1 - (time.monotonic() - begin)))
print(f'slow clients: {count} for {seconds:g} s, {cuts} were cut by the server and came again')
