"""A station that speaks raw Ethernet, for tests: sends the frames given in hexadecimal and prints what comes to it within a time.

usage: station.py INTERFACE SECONDS FRAME...     prints "OCTETS" per frame received that this interface did not send
"""
import socket
import sys
import time

PACKET_OUTGOING = 4
ETH_P_ALL = 3

interface, seconds, frames = sys.argv[1], float(sys.argv[2]), sys.argv[3:]
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
wire.bind((interface, 0))
for frame in frames:
    wire.send(bytes.fromhex(frame))
end = time.monotonic() + seconds
while (left := end - time.monotonic()) > 0:
    wire.settimeout(left)
    try:
        received, address = wire.recvfrom(2048)
    except TimeoutError:
        break
    if address[2] != PACKET_OUTGOING:
        print(received.hex(), flush=True)
