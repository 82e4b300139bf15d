#!/usr/bin/env python3
"""Copies .env.example from standard input to standard output and fills in its empty secrets."""

import base64
import re
import secrets
import sys

_BYTES = 32


def _filled(line: re.Match[str]) -> str:
    if "FERNET" in line[1]:  # the one whose form is prescribed
        return line[0] + base64.urlsafe_b64encode(secrets.token_bytes(_BYTES)).decode()
    return line[0] + secrets.token_hex(_BYTES)


sys.stdout.write(re.sub(r"(?m)^(\w+)=$", _filled, sys.stdin.read()))
