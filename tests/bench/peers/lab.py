"""The lab checked by hand, as a careful teaching assistant does it with sockets and time limits: what sockspec
is measured against. Each check starts what it needs, and fails by an AssertionError, a time limit or the
system's error. The docstring names the requirements that it comes nearest to.

SUBMISSION is the folder with UDPServer.py, TCPServer.py, UDPClient.py and TCPClient.py; PYTHON what runs them.
"""

import os
import secrets
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

HERE = "127.0.0.1"
PORT = 12000
# What should come has so long, and what should not come is waited for so long.
SOON = 2.0
SILENCE = 0.5
STARTED = 5.0

CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def command(file):
    return [os.environ.get("PYTHON", sys.executable), "-u", file]


def place():
    return os.environ.get("SUBMISSION", ".")


def text(length=32):
    return ("all lower case " + secrets.token_hex(16)).ljust(length, "z")[:max(length, 32)]


def holds_port(pid, table, state):
    with open(f"/proc/{pid}/net/{table}", encoding="ascii") as rows:
        next(rows)
        fields = [row.split() for row in rows]
    return any(row[1].endswith(f":{PORT:04X}") and row[3] == state for row in fields)


@contextmanager
def server(file):
    """A server, from when its port is open."""
    table, state = ("udp", "07") if file.startswith("UDP") else ("tcp", "0A")
    with subprocess.Popen(command(file), cwd=place(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as program:
        try:
            end = time.monotonic() + STARTED
            while time.monotonic() < end and not holds_port(program.pid, table, state):
                assert program.poll() is None, "it has ended"
                time.sleep(0.02)
            yield program
        finally:
            program.kill()


# ---- UDP servers

def udp_client():
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.settimeout(SOON)
    client.connect((HERE, PORT))
    return client


def answer(client, sentence):
    client.send(sentence.encode())
    return client.recv(65535).decode()


@check
def udp_server_capitals():
    """UDPS-2"""
    with server("UDPServer.py"), udp_client() as client:
        sentence = text()
        assert answer(client, sentence).startswith(sentence.upper())


@check
def udp_server_length():
    """UDPS-3"""
    with server("UDPServer.py"), udp_client() as client:
        sentence = text()
        assert len(answer(client, sentence)) == len(sentence)


@check
def udp_server_other_characters():
    """UDPS-4"""
    with server("UDPServer.py"), udp_client() as client:
        assert answer(client, "Room 101, 9:30!") == "ROOM 101, 9:30!"


@check
def udp_server_two_clients():
    """UDPS-5"""
    with server("UDPServer.py"), udp_client() as one, udp_client() as other:
        first, second = text(), text()
        one.send(first.encode())
        other.send(second.encode())
        assert other.recv(2048).decode() == second.upper()
        assert one.recv(2048).decode() == first.upper()


@check
def udp_server_source():
    """UDPS-6"""
    with server("UDPServer.py"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(SOON)
        client.sendto(b"from where", (HERE, PORT))
        assert client.recvfrom(2048)[1] == (HERE, PORT)


@check
def udp_server_one_reply():
    """UDPS-7"""
    with server("UDPServer.py"), udp_client() as client:
        answer(client, "once")
        client.settimeout(SILENCE)
        try:
            client.recv(2048)
        except TimeoutError:
            return
        raise AssertionError("a second reply")


@check
def udp_server_goes_on():
    """UDPS-8"""
    with server("UDPServer.py"):
        for _ in range(10):
            with udp_client() as client:
                for sentence in (text(), text(), text()):
                    assert answer(client, sentence) == sentence.upper()


@check
def udp_server_thousand_bytes():
    """UDPS-9"""
    with server("UDPServer.py"), udp_client() as client:
        sentence = text(1000)
        assert answer(client, sentence) == sentence.upper()


@check
def udp_server_gone_client():
    """UDPS-14"""
    with server("UDPServer.py"):
        with udp_client() as gone:
            gone.send(b"no answer, please")
        time.sleep(0.1)
        with udp_client() as client:
            assert answer(client, "still there") == "STILL THERE"


# ---- TCP servers

def tcp_client():
    client = socket.create_connection((HERE, PORT), SOON)
    client.settimeout(SOON)
    return client


def to_the_end(client):
    pieces = []
    while piece := client.recv(4096):
        pieces.append(piece)
    return b"".join(pieces).decode()


def conversation(client, sentence):
    client.sendall(sentence.encode())
    return to_the_end(client)


@check
def tcp_server_capitals():
    """TCPS-2"""
    with server("TCPServer.py"), tcp_client() as client:
        sentence = text()
        client.sendall(sentence.encode())
        assert client.recv(1024).decode().startswith(sentence.upper())


@check
def tcp_server_length():
    """TCPS-3"""
    with server("TCPServer.py"), tcp_client() as client:
        sentence = text()
        assert len(conversation(client, sentence)) == len(sentence)


@check
def tcp_server_other_characters():
    """TCPS-4"""
    with server("TCPServer.py"), tcp_client() as client:
        assert conversation(client, "Room 101, 9:30!") == "ROOM 101, 9:30!"


@check
def tcp_server_closes():
    """TCPS-5, TCPS-6"""
    with server("TCPServer.py"), tcp_client() as client:
        conversation(client, "and then close")


@check
def tcp_server_speaks_second():
    """TCPS-7"""
    with server("TCPServer.py"), tcp_client() as client:
        client.settimeout(SILENCE)
        try:
            assert client.recv(10) == b"", "it spoke first"
        except TimeoutError:
            pass
        client.settimeout(SOON)
        assert conversation(client, "now you") == "NOW YOU"


@check
def tcp_server_goes_on():
    """TCPS-8"""
    with server("TCPServer.py"):
        for sentence in [text() for _ in range(20)]:
            with tcp_client() as client:
                assert conversation(client, sentence) == sentence.upper()


@check
def tcp_server_queue():
    """TCPS-9"""
    with server("TCPServer.py"), tcp_client() as first, tcp_client() as second:
        second.sendall(b"second")
        assert conversation(first, "first") == "FIRST"
        assert to_the_end(second) == "SECOND"


@check
def tcp_server_silent_client():
    """TCPS-10"""
    with server("TCPServer.py"):
        tcp_client().close()
        time.sleep(0.1)
        with tcp_client() as client:
            assert conversation(client, "still there") == "STILL THERE"


@check
def tcp_server_half_close():
    """TCPS-12"""
    with server("TCPServer.py"), tcp_client() as client:
        client.sendall(b"all i say")
        client.shutdown(socket.SHUT_WR)
        assert to_the_end(client) == "ALL I SAY"


@check
def tcp_server_descriptors():
    """TCPS-13"""
    with server("TCPServer.py") as program:
        def ask():
            with tcp_client() as client:
                conversation(client, "abc")
            return len(os.listdir(f"/proc/{program.pid}/fd"))
        before = ask()
        assert [ask() for _ in range(50)][-1] <= before


# ---- clients

def run(file, serve, sentence="abc"):
    """What a client did to whom `serve` is the server: its exit status, its output, what `serve` saw."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command(file), cwd=place(), stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT) as program:
        try:
            program.stdin.write(f"{sentence}\n".encode())
            program.stdin.flush()
            seen = serve()
            output, _ = program.communicate(timeout=SOON)
            return program.returncode, output.decode(), seen
        finally:
            program.kill()


def udp_server(late=0.0, waits=False):
    """A server for one datagram; it may wait whether a second one comes."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.bind((HERE, PORT))
    listener.settimeout(SOON)
    token = secrets.token_hex(16)

    def serve():
        with listener:
            sentence, client = listener.recvfrom(65535)
            time.sleep(late)
            listener.sendto(token.encode(), client)
            another = False
            if waits:
                listener.settimeout(SILENCE)
                try:
                    another = bool(listener.recvfrom(2048))
                except TimeoutError:
                    pass
            return {"sentence": sentence.decode(), "client": client, "token": token, "another": another}
    return serve


def tcp_server(late=0.0, replies=True):
    """A server for one connection."""
    listener = socket.create_server((HERE, PORT), backlog=5)
    listener.settimeout(SOON)
    token = secrets.token_hex(16)

    def serve():
        with listener:
            connection, client = listener.accept()
        connection.settimeout(SOON)
        with connection:
            seen = {"sentence": connection.recv(4096).decode(), "client": client, "token": token, "rest": None}
            time.sleep(late)
            if replies:
                connection.sendall(token.encode())
                seen["rest"] = connection.recv(4096)
            return seen
    return serve


@check
def udp_client_sentence():
    """UDPC-1, UDPC-2, UDPC-7, UDPC-12"""
    _, _, seen = run("UDPClient.py", udp_server(waits=True), "Room 101, 9:30!")
    assert seen["sentence"] == "Room 101, 9:30!" and not seen["another"]


@check
def udp_client_prints():
    """UDPC-3"""
    _, output, seen = run("UDPClient.py", udp_server())
    assert seen["token"] in output


@check
def udp_client_waits():
    """UDPC-4"""
    _, output, seen = run("UDPClient.py", udp_server(late=0.3))
    assert seen["token"] in output


@check
def udp_client_ends():
    """UDPC-5"""
    assert run("UDPClient.py", udp_server())[0] == 0


@check
def udp_client_port():
    """UDPC-6"""
    first, second = (run("UDPClient.py", udp_server())[2]["client"][1] for _ in range(2))
    assert first != second


@check
def tcp_client_sentence():
    """TCPC-1, TCPC-2, TCPC-8"""
    _, _, seen = run("TCPClient.py", tcp_server(), "Room 101, 9:30!")
    assert seen["sentence"] == "Room 101, 9:30!" and seen["rest"] == b""


@check
def tcp_client_prints():
    """TCPC-3"""
    _, output, seen = run("TCPClient.py", tcp_server())
    assert seen["token"] in output


@check
def tcp_client_waits():
    """TCPC-4"""
    _, output, seen = run("TCPClient.py", tcp_server(late=0.3))
    assert seen["token"] in output


@check
def tcp_client_closes():
    """TCPC-5"""
    assert run("TCPClient.py", tcp_server())[2]["rest"] == b""


@check
def tcp_client_ends():
    """TCPC-6"""
    assert run("TCPClient.py", tcp_server())[0] == 0


@check
def tcp_client_port():
    """TCPC-7"""
    first, second = (run("TCPClient.py", tcp_server())[2]["client"][1] for _ in range(2))
    assert first != second


@check
def tcp_client_refused():
    """TCPC-11"""
    subprocess.run(command("TCPClient.py"), cwd=place(), input=b"abc\n", capture_output=True, timeout=SOON, check=False)


@check
def tcp_client_without_reply():
    """TCPC-12"""
    run("TCPClient.py", tcp_server(replies=False))
