"""Holding a recorded conversation with a server of ours, and writing down what it answers."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import re
import shlex
import signal
import subprocess
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import urllib3

from tests.sandbox.apiserver.conversation.reductions import reduce
from tests.sandbox.apiserver.conversation.stage import Stage

HEADERS = (
    *("Content-Type", "Content-Encoding", "Vary", "Cache-Control", "Warning", "WWW-Authenticate", "Allow"),
    *("Accept-Patch", "Location", "Retry-After", "ETag", "X-From-Cache", "X-Content-Type-Options"),
    *("Transfer-Encoding", "Connection"),
)
WATCHED = re.compile(r"watch=|/watch/")

Step = Mapping[str, Any]
Record = dict[str, Any]


def content(value: Any) -> bytes:
    """A file or body of a case."""
    if isinstance(value, str):
        return value.encode()
    if "base64" in value:
        return base64.b64decode(value["base64"])
    text: str = value["before"] + value["repeat"] * value["times"] + value["after"]
    return text.encode()


def tidy(printed: str) -> str:
    """A text without blanks at the end of its lines, and without tabs."""
    lines = "\n".join(line.rstrip().replace("\t", "        ") for line in printed.splitlines())
    return lines + ("\n" if printed.endswith("\n") else "")


class Player:
    """Plays one case on a stage; `kubectl` is the program that its commands name."""

    def __init__(self, stage: Stage, kubectl: Path | None) -> None:
        self._stage = stage
        self._kubectl = kubectl
        self._variables: dict[str, str] = {}
        self._running: dict[str, tuple[Step, Record, Any]] = {}

    def play(self, case: Mapping[str, Any]) -> list[Record]:
        """The records of the case's steps."""
        self._stage.set(case, {name: content(value) for name, value in case["files"].items()})
        try:
            records = [self._done(step) for step in case["steps"]]
        finally:
            for name in list(self._running):
                self._end({"name": name, "after": 0})
            self._stage.clean(case)
        return [record for record in records if record is not None]

    def _done(self, step: Step) -> Record | None:
        ways: Mapping[str, Callable[[Step], Record | None]] = {
            "setup": self._setup,
            "sleep": self._sleep,
            "compact": self._compact,
            "kubectl": self._command,
            "end": self._end,
            "http": self._http,
            "python": self._python,
        }
        return ways[step["do"]](step)

    def _fill(self, value: Any) -> Any:
        if isinstance(value, str):
            return re.sub(r"\$\{(\w+)\}", lambda match: self._variables.get(match[1], match[0]), value)
        if isinstance(value, dict):
            return {key: self._fill(inner) for key, inner in value.items()}
        return [self._fill(inner) for inner in value] if isinstance(value, list) else value

    def _setup(self, step: Step) -> Record:
        return {"setup": [self._set_up(obj) for obj in step["objs"]]}

    def _set_up(self, obj: Record) -> str:
        metadata = obj["metadata"]
        place = f"{metadata['namespace']}/" if "namespace" in metadata else ""
        line = f"{obj['apiVersion']} {obj['kind']} {place}{metadata['name']}"
        answer = self._stage.create(obj)
        failed = answer.status >= 300 and answer.status != 409
        return f"{line} -> {answer.status} {answer.data.decode()[:300]}" if failed else line

    def _sleep(self, step: Step) -> None:
        time.sleep(step["s"])

    def _compact(self, _: Step) -> Record:
        self._stage.server.signal(signal.SIGUSR1)
        time.sleep(0.2)
        return {"compact": "history removed"}

    def _start(self, step: Step) -> subprocess.Popen[bytes]:
        environment = {
            "HOME": str(self._stage.home),
            "PATH": os.environ["PATH"],
            "KUBECONFIG": str(self._stage.kubeconfigs[step.get("user", "admin")]),
            "LANG": "C",
            "TERM": "dumb",
            "TZ": "UTC",
        }
        return subprocess.Popen(
            [str(self._kubectl), *shlex.split(self._fill(step["cmd"]))],
            cwd=self._stage.work,
            env=environment | step.get("env", {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def _command(self, step: Step) -> Record:
        record: Record = {"kubectl": step["cmd"]}
        process = self._start(step)
        if name := step.get("bg"):
            self._running[name] = (step, record, process)
            time.sleep(0.6)
            return record | {"started in the background as": name}
        try:
            out, err = process.communicate(self._fill(step.get("stdin", "")).encode(), step.get("timeout", 40))
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            record["timed out"] = step["timeout"]
        return self._printed(step, record, process.returncode, out, err)

    def _printed(self, step: Step, record: Record, code: int, out: bytes, err: bytes) -> Record:
        printed, complained = (self._stage.scrub(data.decode(errors="replace")) for data in (out, err))
        for name, path in step.get("save", {}).items():
            self._variables[name] = printed.strip() if path == "stdout" else str(_dig(json.loads(printed), path))
        reduced = reduce(step.get("pick"), printed)
        if reduced != printed:
            record["stdout reduced"] = True
        lines = reduced.splitlines()
        if "cut" in step and len(lines) > step["cut"]:
            record["stdout cut"] = f"first {step['cut']} of {len(lines)} lines"
            reduced = "\n".join(lines[: step["cut"]]) + "\n"
        shown = {"stdout": tidy(reduced), "stderr": tidy(complained)}
        return record | {"exit": code} | {key: value for key, value in shown.items() if value}

    def _end(self, step: Step) -> Record | None:
        if step["name"] not in self._running:
            return None
        time.sleep(step["after"])
        begun, record, work = self._running.pop(step["name"])
        if isinstance(work, threading.Thread):
            work.join(begun.get("timeout", 40))
            return {"end of": step["name"], **record}
        record = {"end of": step["name"], **record}
        running = work.poll() is None
        if running:
            work.send_signal(signal.SIGINT)
        out, err = work.communicate()
        ended = self._printed(begun, record | {"was running": running}, work.returncode, out, err)
        return {key: value for key, value in ended.items() if not (running and key == "exit")}

    def _http(self, step: Step) -> Record:
        record: Record = {"http": f"{step['method']} {step['path']}"}
        if name := step.get("bg"):
            box: Record = dict(record)
            thread = threading.Thread(target=lambda: box.update(self._asked(step)), daemon=True)
            thread.start()
            self._running[name] = (step, box, thread)
            time.sleep(0.3)
            return record | {"started in the background as": name}
        return record | self._asked(step)

    def _asked(self, step: Step) -> Record:
        path = self._fill(step["path"])
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip, deflate"}
        body: bytes | None = None
        if "body" in step:
            body = json.dumps(self._fill(step["body"])).encode()
            headers["Content-Type"] = "application/json"
        if "raw" in step:
            body = content(step["raw"])
        headers |= self._fill(step.get("headers", {}))
        client = self._stage.client(step.get("user", "admin"))
        kept = {name: value for name, value in headers.items() if value != ""}
        answer = client.send(step["method"], path, body, kept)
        return self._answered(step, path, answer)

    def _answered(self, step: Step, path: str, answer: urllib3.BaseHTTPResponse) -> Record:
        fields = {
            name: self._stage.scrub(", ".join(answer.headers.getlist(name)))
            for name in HEADERS
            if name in answer.headers
        }
        record: Record = {"status": answer.status, "headers": fields}
        data = answer.data
        if "protobuf" in fields.get("Content-Type", ""):
            shown = reduce(step["pick"], data) if "pick" in step else f"(binary, begins with {data[:4]!r})"
            return record | {"body": shown}
        return record | self._parsed(step, path, data.decode("utf8", "replace"))

    def _parsed(self, step: Step, path: str, text: str) -> Record:
        if not text:
            return {"body": ""}
        values = _documents(text)
        if values is None:
            return self._kept(step, "body", text)
        if len(values) == 1 and not WATCHED.search(path):
            for name, place in step.get("save", {}).items():
                self._variables[name] = str(_dig(values[0], place))
            return self._kept(step, "body", values[0])
        return self._kept(step, "events", values)

    def _kept(self, step: Step, name: str, value: Any) -> Record:
        reduced = reduce(step.get("pick"), value)
        mark = {f"{name} reduced": True} if reduced != value else {}
        scrubbed = json.loads(self._stage.scrub(json.dumps(reduced)))
        return {name: tidy(scrubbed) if isinstance(scrubbed, str) else scrubbed} | mark

    def _python(self, step: Step) -> Record:
        printed = io.StringIO()
        record: Record = {"python": step["code"].strip() + "\n"}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            record |= _executed(step["code"], self._stage, printed)
        return record | {"printed": tidy(self._stage.scrub(printed.getvalue()))}


def _executed(code: str, stage: Stage, printed: io.StringIO) -> Record:
    from kubernetes import client, config, dynamic, watch

    settings = client.Configuration()
    config.load_kube_config(str(stage.kubeconfigs["admin"]), client_configuration=settings)  # type: ignore[no-untyped-call]
    with client.ApiClient(settings) as api:
        names = {
            "client": client,
            "watch": watch,
            "dynamic": dynamic,
            "api": api,
            "v1": client.CoreV1Api(api),
            "apps": client.AppsV1Api(api),
            "custom": client.CustomObjectsApi(api),
            "disc": client.DiscoveryV1Api(api),
            "print": lambda *values: print(*values, file=printed),
            "json": json,
            "base64": base64,
            "time": time,
            "DynamicClient": dynamic.DynamicClient,
        }
        try:
            exec(code, names)
        except client.ApiException as error:
            raised = {"type": type(error).__name__, "status": error.status, "reason": error.reason}
            return {"raised": raised | {"body": _body(error.body)}}
    return {}


def _body(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text


def _documents(text: str) -> list[Any] | None:
    with contextlib.suppress(ValueError):
        return [json.loads(text)]
    with contextlib.suppress(ValueError):
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    return None


def _dig(value: Any, path: str) -> Any:
    for step in path.split("."):
        value = value[int(step)] if isinstance(value, list) else (value or {}).get(step)
    return value
