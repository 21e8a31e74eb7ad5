"""Echo server over TCP (RFC 862)."""
import socket
import threading

PORT = 12000
BUFFER = 65536


def serve(connection):
    with connection:
        try:
            while data := connection.recv(BUFFER):
                connection.sendall(data)
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
