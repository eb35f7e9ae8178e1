"""A bounded load from inside a pod, through its own sidecar: one curl that reads its requests from standard input."""

from __future__ import annotations

from collections.abc import Iterator

from meshctl.errors import MeshctlError
from meshctl.kube import execution
from meshctl.kube.client import ApiError
from meshctl.mesh.clusters import Mesh
from meshctl.mesh.pod import Pod
from meshctl.mesh.traffic import Answer, Call

MARK = "meshctl-answer"
# curl's exit codes (curl(1)) in the words that `load` has for them.
ERRORS = {7: "refused", 28: "timeout", 52: "closed", 56: "reset", 6: "unknown host"}
NOT_FOUND = (126, 127)
GRACE = 30.0


class NoCurl(MeshctlError):
    """The pod can't send requests; the text says why and what to do."""


def send(mesh: Mesh, source: Pod, call: Call, url: str, agent: str) -> list[Answer]:
    """Send the load from the pod's application container; NoCurl if that can't be."""
    text = "".join(_config(call, url, agent)).encode()
    # `head` ends curl's input where the API can't.
    script = f"head -c {len(text)} | curl --config -"
    seconds = GRACE + call.timeout * -(-call.requests // call.concurrency)
    try:
        ended = execution.run(
            mesh.accesses[source.cluster],
            source.path,
            source.default_container,
            ("sh", "-c", script),
            text,
            seconds,
        )
    except ApiError as error:
        raise NoCurl(f"{source.full_name}: nothing can be run in {source.default_container}: {error}") from None
    answers = sorted(_answers(ended.output.decode(errors="replace")), key=lambda answer: answer.number)
    if len(answers) < call.requests:
        said = ended.error.decode(errors="replace").strip() or f"exit code {ended.code}"
        hint = "; choose a pod with curl, such as sleep" if ended.code in NOT_FOUND or "not found" in said else ""
        raise NoCurl(
            f"{source.full_name}: curl in {source.default_container} ended after "
            f"{len(answers)} of {call.requests} requests: {said}{hint}"
        )
    return answers


def _config(call: Call, url: str, agent: str) -> Iterator[str]:
    yield f"parallel\nparallel-max = {call.concurrency}\nsilent\n"
    for number in range(call.requests):
        if number:
            yield "next\n"
        yield f'url = "{url}{call.path}"\noutput = "/dev/null"\nmax-time = {call.timeout:g}\n'
        yield f'user-agent = "{agent}/{number}"\n'
        if call.host:
            yield f'header = "Host: {_quoted(call.host)}"\n'
        for name, value in call.headers:
            yield f'header = "{_quoted(name)}: {_quoted(value)}"\n'
        yield f'write-out = "{MARK} {number} %{{http_code}} %{{exitcode}} %{{time_total}}\\n"\n'


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _answers(output: str) -> Iterator[Answer]:
    for line in output.splitlines():
        words = line.split()
        if len(words) == 5 and words[0] == MARK:
            code, failure = int(words[2]), int(words[3])
            error = "" if code and not failure else ERRORS.get(failure, f"curl error {failure}")
            yield Answer(int(words[1]), 0.0, float(words[4]), 0 if error else code, error)
