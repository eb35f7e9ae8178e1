"""What an SSH error means for a person: which host, what was seen, what to do."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator

from paramiko import AuthenticationException, BadHostKeyException, SSHException
from paramiko.ssh_exception import NoValidConnectionsError


def explain(error: BaseException, address: str) -> str:
    """One sentence of what was seen and one of what to do, from the chain of causes."""
    causes = list(_chain(error))
    for cause in causes:
        if message := _message(cause, address):
            return message
    text = " ".join(str(error).split())
    if "private key" in text:
        return f"the key for {address} can't be used: {text}; check keyFile"
    return f"SSH to {address} failed: {text}; try `ssh -v` to it"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _message(cause: BaseException, address: str) -> str:
    text = str(cause)
    if isinstance(cause, BadHostKeyException) or "does not match" in text:
        return (
            f"the host key of {address} has changed since it was recorded; if the host was made anew, remove its old "
            "key with `ssh-keygen -R` and add the new one, else find out who answers there"
        )
    if isinstance(cause, AuthenticationException):
        return f"{address} refuses the login; check user and keyFile, and authorized_keys on the host"
    if "host key" in text and isinstance(cause, SSHException):
        return f"the host key of {address} is unknown; check it and add it to knownHostsFile (`ssh-keyscan` prints it)"
    if isinstance(cause, NoValidConnectionsError):
        return _message(next(iter(cause.errors.values())), address)
    if isinstance(cause, socket.gaierror):
        return f"{address} can't be resolved; check the name"
    if isinstance(cause, ConnectionRefusedError):
        return f"{address} refuses the connection; is sshd running there, on this port?"
    if isinstance(cause, TimeoutError):
        return f"{address} doesn't answer; is the host up, and may port 22 be reached?"
    if isinstance(cause, OSError) and cause.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return f"there is no way to {address}; is the host up and in the same network?"
    if "connection lost" in text or isinstance(cause, EOFError):
        return f"the connection to {address} was lost; bring the host back and run the command again"
    return ""
