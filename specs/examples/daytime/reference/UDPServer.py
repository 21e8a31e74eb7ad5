"""Daytime server over UDP (RFC 867)."""
import socket
import time

PORT = 12013
BUFFER = 65535  # no datagram is longer


def main():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("", PORT))
        print(f"Ready on UDP port {PORT}.", flush=True)
        while True:
            try:
                _, client = server.recvfrom(BUFFER)
                server.sendto((time.ctime() + "\r\n").encode("ascii"), client)
            except OSError as error:  # one client's trouble is not the others'
                print(f"Not answered: {error}", flush=True)


if __name__ == "__main__":
    main()
