# mutant: sends the question back before the time
# fails: DAYU-4
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
                data, client = server.recvfrom(BUFFER)
                server.sendto(data.decode("ascii", "replace").encode("ascii", "replace") + b" " + time.ctime().encode(), client)
            except OSError as error:  # one client's trouble is not the others'
                print(f"Not answered: {error}", flush=True)


if __name__ == "__main__":
    main()
