"""The worker process: `python -m meshctl.runner.worker`, a request on standard input, events on standard output."""

# ruff: noqa: E402
from gevent import monkey

monkey.patch_all()

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import CodeType
from typing import Any

import gevent
from paramiko import SSHException
from pyinfra.api import Config, Host, Inventory, State
from pyinfra.api.exceptions import ConnectError, PyinfraError
from pyinfra.api.operations import run_ops
from pyinfra.api.state import BaseStateCallback, StateStage
from pyinfra.context import ctx_config, ctx_host, ctx_state

from meshctl.errors import MeshctlError
from meshctl.operations.change import Change
from meshctl.operations.objects import ObjectChange
from meshctl.runner.connector import MeshSshConnector
from meshctl.runner.failure import explain
from meshctl.runner.request import APPLY, Event, Request, Step

Emit = Callable[[Event], None]


class Run:
    """One request: a connection a host, kept over all steps; a host that fails is left out of the steps after."""

    def __init__(self, request: Request, emit: Emit) -> None:
        self.request = request
        self.emit = emit
        targets = [(target.name, target.data) for target in request.targets]
        self.inventory = Inventory((targets, {}))
        self.failed: set[str] = set()
        for host in self.inventory:
            host.connector_cls = MeshSshConnector

    def __call__(self) -> None:
        """Connect, run every step, disconnect."""
        state = self._state()
        self._each(list(self.inventory), self._connect, state)
        try:
            for step in self.request.steps:
                self._step(step)
                if step.vital and self.failed.intersection(step.hosts):
                    break
        finally:
            for host in self.inventory:
                if isinstance(host.connector, MeshSshConnector):
                    host.connector.close()

    def _state(self) -> State:
        config = Config(
            PARALLEL=max(len(self.inventory), 1),
            CONNECT_TIMEOUT=self.request.connect_timeout_s,
            TEMP_DIR="/tmp",  # noqa: S108 # of the remote host
        )
        return State(self.inventory, config, check_for_changes=False)

    def _each(self, hosts: list[Host], work: Callable[[Host], None], state: State) -> None:
        # pyinfra's current host and config are a greenlet's own; its current state is everybody's.
        with ctx_state.use(state):
            greenlets = [gevent.spawn(work, host) for host in hosts]
            gevent.joinall(greenlets)
        for greenlet in greenlets:
            greenlet.get()

    def _connect(self, host: Host) -> None:
        begin = time.monotonic()
        try:
            # A key file that can't be read raises PyinfraError from pyinfra, for this host only here.
            with ctx_host.use(host):
                host.connect(raise_exceptions=True)
        except (ConnectError, PyinfraError, SSHException, OSError, EOFError) as error:
            self.failed.add(host.name)
            self.emit(Event("unreachable", host.name, message=explain(error, _address(host))))
        else:
            self.emit(Event("connected", host.name, seconds=time.monotonic() - begin))

    def _step(self, step: Step) -> None:
        state = self._state()
        hosts = [host for host in self.inventory if host.name in step.hosts and host.name not in self.failed]
        self.emit(Event("step", step=step.name))
        for host in self.inventory:
            # A State runs once; no host may remember the operations of the one before.
            host.op_hash_order = []
        for host in hosts:
            host.connected = True
            host.connector.connect()
            state.activate_host(host)
        code = compile(Path(step.script).read_text(encoding="utf-8"), step.script, "exec")
        self._each(hosts, lambda host: self._plan(state, host, step, code), state)
        if self.request.mode == APPLY:
            self._apply(state, step)

    def _plan(self, state: State, host: Host, step: Step, code: CodeType) -> None:
        """Run the deploy's script for one host and fix what each of its operations would do."""
        try:
            with ctx_config.use(state.config.copy()), ctx_host.use(host):
                exec(code, {"__file__": step.script, "__name__": "__deploy__"})  # noqa: S102 # our own deploys
                for op_hash in state.ops[host]:
                    self._plan_operation(state, host, step, op_hash)
        except (PyinfraError, SSHException, OSError, EOFError, ValueError, KeyError) as error:
            self._fail(state, host, step, explain(error, _address(host)))
        except MeshctlError as error:
            self._fail(state, host, step, str(error))

    def _plan_operation(self, state: State, host: Host, step: Step, op_hash: str) -> None:
        data = state.ops[host][op_hash]
        commands = list(data.command_generator())
        if host in state.failed_hosts:
            raise SSHException("a fact could not be read: connection lost")
        # Facts are read once: what was planned is what is applied.
        data.command_generator = lambda: iter(commands)
        if self.request.mode != APPLY:
            self.emit(Event("operation", host.name, step.name, _name(state, op_hash), _diff(commands)))

    def _apply(self, state: State, step: Step) -> None:
        active = {host for host in state.active_hosts if host.name not in self.failed}
        if not active:
            return
        changing = any(list(d.command_generator()) for host in active for d in state.ops[host].values())
        if changing:
            state.add_callback_handler(_Failures(self, step))
            state.set_stage(StateStage.Execute)
            # PyinfraError: no host is left; each of them was reported by the callback.
            with suppress(PyinfraError):
                run_ops(state)
        for host in active - state.failed_hosts:
            for op_hash, data in state.ops[host].items():
                commands = list(data.command_generator())
                self.emit(Event("operation", host.name, step.name, _name(state, op_hash), _diff(commands)))

    def _fail(self, state: State, host: Host, step: Step, message: str, operation: str = "") -> None:
        self.failed.add(host.name)
        state.failed_hosts.add(host)
        state.active_hosts.discard(host)
        self.emit(Event("failed", host.name, step.name, operation, message=message))


class _Failures(BaseStateCallback):
    def __init__(self, run: Run, step: Step) -> None:
        self.run = run
        self.step = step

    def operation_host_error(self, state: State, host: Host, op_hash: str, *_: int) -> None:  # type: ignore[override]
        """Report what pyinfra tells of a failed operation; pyinfra itself leaves the host out from then on."""
        self.run.failed.add(host.name)
        self.run.emit(Event("failed", host.name, self.step.name, _name(state, op_hash), message=_reason(host)))


def _reason(host: Host) -> str:
    connector = host.connector
    if isinstance(connector, MeshSshConnector) and connector.alive:
        return connector.last_output or "a command failed without a word"
    return explain(SSHException("connection lost"), _address(host))


def _address(host: Host) -> str:
    return str(host.data.get("ssh_hostname") or host.name)


def _name(state: State, op_hash: str) -> str:
    return ", ".join(sorted(state.op_meta[op_hash].names))


def _diff(commands: list[Any]) -> tuple[str, ...]:
    return tuple(line for command in commands for line in _lines(command))


def _lines(command: Any) -> Iterator[str]:
    if isinstance(command, Change | ObjectChange):
        yield from command.diff
    else:
        yield f"~ {command}"


def main() -> None:
    """Serve one request."""
    request = Request.of(json.load(sys.stdin))
    # pyinfra logs to standard output and error; events have a stream of their own.
    events = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    Run(request, lambda event: _write(events, event))()


def _write(stream: Any, event: Event) -> None:
    stream.write(json.dumps(asdict(event)) + "\n")


if __name__ == "__main__":
    main()
