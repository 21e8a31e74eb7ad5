"""Daytime server over TCP (RFC 867)."""
import socket
import threading
import time

PORT = 12013
BUFFER = 65536
PATIENCE = 0.1  # seconds


def serve(connection):
    with connection:
        try:
            connection.sendall((time.ctime() + "\r\n").encode("ascii"))
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(PATIENCE)
            while connection.recv(BUFFER):  # unread bytes would turn the close into a reset
                pass
        except TimeoutError:
            pass  # the client has said nothing, and it has its answer
        except OSError as error:  # one client's trouble is not the others'
            print(f"Not answered: {error}", flush=True)


def main():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("", PORT))
        listener.listen(128)
        print(f"Ready on TCP port {PORT}.", flush=True)
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main()
