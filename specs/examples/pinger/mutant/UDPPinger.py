# mutant: waits a tenth of a second only
# fails: PING-6
import socket
import time

SERVER, PORT = "localhost", 12000
BUFFER = 65535
PATIENCE = 0.1  # seconds


def ping(client, number):
    """The round-trip time in seconds, or None if no answer came in time."""
    start = time.time()
    client.send(f"Ping {number} {start}".encode())
    try:
        answer = client.recv(BUFFER)
    except TimeoutError:
        print("Request timed out", flush=True)
        return None
    took = time.time() - start
    print(f"{answer.decode(errors='replace')} RTT: {took:.6f} s", flush=True)
    return took


def main():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(PATIENCE)
        client.connect((SERVER, PORT))
        times = [ping(client, number) for number in range(1, 11)]
    known = [took for took in times if took is not None]
    if known:
        print(f"min {min(known):.6f} max {max(known):.6f} average {sum(known) / len(known):.6f} s")
    print(f"lost {len(times) - len(known)} of {len(times)}")


if __name__ == "__main__":
    main()
