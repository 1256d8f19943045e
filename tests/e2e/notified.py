#!/usr/bin/env python3
"""Stands in for systemd: prints every datagram of a notify socket as lines, until killed.

    notified.py SOCKET
"""
import socket
import sys

heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
heard.bind(sys.argv[1])
while True:
    print(heard.recv(4096).decode(), flush=True)
