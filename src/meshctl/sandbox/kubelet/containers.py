"""One container: started, watched, probed, started again with back-off, stopped."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from meshctl.sandbox.controllers.api import FAULTS, ApiFault
from meshctl.sandbox.controllers.clock import stamp
from meshctl.sandbox.kubelet import environment, images, launch, probes, proxy
from meshctl.sandbox.kubelet.capture import parse, rules
from meshctl.sandbox.kubelet.environment import MissingConfig
from meshctl.sandbox.kubelet.images import Image
from meshctl.sandbox.kubelet.probes import Probe
from meshctl.sandbox.kubelet.runtime import RuntimeFault
from meshctl.sandbox.kubelet.status import ContainerState
from meshctl.sandbox.wire import Program

if TYPE_CHECKING:
    from meshctl.sandbox.kubelet.pods import Pod

LOG = logging.getLogger(__name__)
Object = Mapping[str, Any]
BACKOFF_SECONDS, BACKOFF_LIMIT = 1.0, 30.0
# A container that ran for so long starts over with its back-off.
STEADY_SECONDS = 60.0
RETRY_SECONDS = 1.0
KILLED = 137


class Container:
    """`state` is what the pod's status says of it; `pod.changed()` is called whenever that changes."""

    def __init__(self, pod: Pod, spec: Object, init: bool = False) -> None:
        self.pod = pod
        self.spec = spec
        self.name: str = spec["name"]
        sidecar = init and spec.get("restartPolicy") == "Always"
        self.init = init and not sidecar
        self.state = ContainerState(self.name, spec["image"], sidecar=sidecar)
        self.image: Image | None = images.find(spec["image"])
        self.variables: dict[str, str] = {}
        self.program: Program | None = None
        self._attempt = -1
        self._adopted = False
        self._begun = 0.0
        self._pause = BACKOFF_SECONDS

    @property
    def program_name(self) -> str:
        """The name of its present or last life."""
        return launch.program_name(self.pod.spec, self.name, self._attempt)

    @property
    def pid(self) -> int:
        """Its process, as the supervisor numbers it; 0 if it has none."""
        return int(self.pod.runtime.programs.get(self.program_name, {}).get("pid") or 0)

    @property
    def attempt(self) -> int:
        """Its present or last life, counted from 0; -1 if it has not lived yet."""
        return self._attempt

    def adopt(self, alive: bool) -> None:
        """Take over what an earlier agent left; if it is not `alive`, only the count of its lives."""
        prefix = f"{launch.pod_name(self.pod.spec)}/{self.name}/"
        names = [name.removeprefix(prefix) for name in self.pod.runtime.programs if name.startswith(prefix)]
        lives = [int(name) for name in names if name.isdecimal()]
        if not lives:
            return
        self._attempt = self.state.restarts = max(lives)
        found = self.pod.runtime.programs[self.program_name]
        self._identify()
        reported = self._reported()
        self.state.last = reported.get("lastState") or {}
        self._adopted = alive
        if not alive:
            return
        self._begun = float(found["since"]) if found["state"] == "running" else 0.0
        if found["state"] == "running":
            self.state.state = {"running": {"startedAt": stamp(self._begun)}}
            self.state.started = bool(reported.get("started"))
            self.state.ready = bool(reported.get("ready"))

    def _reported(self) -> Object:
        status = self.pod.spec.get("status") or {}
        lists = (*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ()))
        return next((one for one in lists if one["name"] == self.name), {})

    async def run(self) -> None:
        """Live as the restart policy says; returns when it will not be started again."""
        if self._adopted:
            if self._found_done():
                return
            await self._watch()
            if not self._again():
                return
            await self._rest()
        while True:
            await self._start()
            await self._watch()
            if not self._again():
                return
            await self._rest()

    def _found_done(self) -> bool:
        found = self.pod.runtime.programs.get(self.program_name, {})
        return found.get("state") == "ended" and self.init and found.get("status") == 0 and self.conclude(found) == 0

    def _again(self) -> bool:
        policy = self.pod.spec["spec"].get("restartPolicy", "Always")
        if self.state.sidecar:
            return True
        if self.init and policy == "Always":
            policy = "OnFailure"
        return policy == "Always" or (policy == "OnFailure" and not self.state.succeeded)

    async def _start(self) -> None:
        image = await self._image()
        while True:
            try:
                await self._launch(image)
                return
            except MissingConfig as error:
                self._wait("CreateContainerConfigError", str(error))
                self.pod.note("Failed", f"Error: {error}", self.name, warn=True)
            except (RuntimeFault, ApiFault, ValueError, *FAULTS) as error:
                self._wait("CreateContainerError", str(error))
                self.pod.note("Failed", f"Error: {error}", self.name, warn=True)
            await asyncio.sleep(RETRY_SECONDS)

    async def _image(self) -> Image:
        """The image's program; without one the container waits for ever."""
        reference, pause = self.spec["image"], BACKOFF_SECONDS
        if self.image:
            if self._attempt < 0:
                message = f'Container image "{reference}" already present on machine'
                self.pod.note("Pulled", message, self.name)
            return self.image
        reason = f'the sandbox has no program for image "{reference}"'
        while True:
            self.pod.note("Pulling", f'Pulling image "{reference}"', self.name)
            self.pod.note("Failed", f'Failed to pull image "{reference}": {reason}', self.name, warn=True)
            self.pod.note("Failed", "Error: ErrImagePull", self.name, warn=True)
            self._wait("ErrImagePull", reason)
            await asyncio.sleep(pause)
            self._wait("ImagePullBackOff", f'Back-off pulling image "{reference}": ErrImagePull: {reason}')
            self.pod.note("BackOff", f'Back-off pulling image "{reference}"', self.name)
            self.pod.note("Failed", "Error: ImagePullBackOff", self.name, warn=True)
            pause = min(pause * 2, BACKOFF_LIMIT * 10)
            await asyncio.sleep(pause)

    async def _launch(self, image: Image) -> None:
        pod = self.pod
        self.variables = environment.variables(
            pod.current, self.spec, pod.objects.get, pod.objects.all("services"), pod.node.capacity
        )
        words = launch.argv(self.spec, image, self.variables)
        mounts = pod.volumes.mounts(pod.spec, self.spec, self.variables)
        attempt = self._attempt + 1
        log = pod.files.log(self.name, attempt)
        log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = launch.program_name(pod.spec, self.name, attempt)
        if image.kind == "proxy":
            words = await self._proxy(words)
        found = launch.environment(pod.spec, image, {**pod.hints(image), **self.variables}, words)
        self.program = launch.program(name, pod.spec, self.spec, words, found, mounts, log)
        self.pod.note("Created", f"Container created: {self.name}", self.name)
        await pod.runtime.spawn(self.program)
        self._attempt, self.state.restarts, self._begun = attempt, attempt, time.time()
        await self._forget(attempt - 2)
        self._identify()
        self.state.state = {"running": {"startedAt": stamp(self._begun)}}
        self.state.started = not self.spec.get("startupProbe")
        self.state.ready = self.state.started and not self.spec.get("readinessProbe") and not self.init
        self.pod.note("Started", f"Container started: {self.name}", self.name)
        pod.changed()

    async def _proxy(self, words: tuple[str, ...]) -> tuple[str, ...]:
        pod = self.pod
        if proxy.CAPTURE in words[:2]:
            # nft reads the rules from a file of the pod's, mounted nowhere: it runs to its end at once.
            await pod.runtime.run(
                ["nft", "-f", "-"], rules(parse(words)), pod.node.spec.name, launch.pod_name(pod.spec)
            )
            return ("echo", "traffic is captured:", *words[1:])
        token = await pod.volumes.token(pod.spec, proxy.TOKEN)
        mesh = pod.file(self.spec, proxy.MESH_CONFIG)
        settings = mesh.read_text() if mesh and mesh.is_file() else ""
        content = proxy.document(pod.spec, pod.node, pod.address, words, self.variables, token, settings)
        proxy.write(pod.bootstrap(self.spec), content, *launch.ids(pod.spec, self.spec))
        return proxy.envoy(words)

    async def _forget(self, attempt: int) -> None:
        """Only the present and the last life are kept."""
        if attempt >= 0:
            with contextlib.suppress(RuntimeFault):
                await self.pod.runtime.stop(launch.program_name(self.pod.spec, self.name, attempt))
            self.pod.files.log(self.name, attempt).unlink(missing_ok=True)

    def _identify(self) -> None:
        self.state.image_id = images.digest(self.spec["image"])
        self.state.container_id = f"meshctl://{self.pod.uid}-{self.name}-{self._attempt}"

    async def _watch(self) -> None:
        """Until it has ended, for whatever reason."""
        probing = asyncio.create_task(self._probe())
        try:
            found = await self.pod.runtime.ended(self.program_name)
        finally:
            probing.cancel()
        self.conclude(found)

    def conclude(self, found: Object) -> int:
        """Note how it ended: its exit code."""
        status = found.get("status")
        code = KILLED if status is None else 128 - status if status < 0 else int(status)
        reason = "Completed" if code == 0 else "StartError" if code == 127 and not self._begun else "Error"
        when = stamp(float(found.get("since") or time.time()))
        ended: dict[str, Any] = {"exitCode": code, "reason": reason, "startedAt": stamp(self._begun or time.time())}
        ended |= {"finishedAt": when, "containerID": self.state.container_id}
        if code == 127 and found.get("reason"):
            ended["message"] = found["reason"]
        self.state.state = {"terminated": ended}
        self.state.ready = self.init and code == 0
        self.state.started = False
        self.pod.changed()
        return code

    async def _rest(self) -> None:
        """Between two lives: the first restart comes at once, the next ones wait longer and longer."""
        if self._begun and time.time() - self._begun > STEADY_SECONDS:
            self._pause = BACKOFF_SECONDS
        self.state.last = self.state.state
        if self._attempt > 0:
            message = f"back-off {self._pause:g}s restarting failed container={self.name} pod={self.pod.title}"
            self._wait("CrashLoopBackOff", message)
            self.pod.note(
                "BackOff",
                f"Back-off restarting failed container {self.name} in pod {self.pod.title}",
                self.name,
                warn=True,
            )
            await asyncio.sleep(self._pause)
            self._pause = min(self._pause * 2, BACKOFF_LIMIT)

    def _wait(self, reason: str, message: str) -> None:
        self.state.state = {"waiting": {"reason": reason, "message": message}}
        self.state.ready = False
        self.pod.changed()

    async def _probe(self) -> None:
        if not self.state.started and (spec := self.spec.get("startupProbe")):
            await self._repeat(Probe.of(spec), self._startup, until_good=True)
        others = (("readinessProbe", self._readiness), ("livenessProbe", self._liveness))
        tasks = [self._repeat(Probe.of(self.spec[key]), tell) for key, tell in others if self.spec.get(key)]
        if not self.spec.get("readinessProbe") and not self.state.ready and not self.init:
            self.state.ready = True
            self.pod.changed()
        await asyncio.gather(*tasks)

    async def _repeat(
        self, probe: Probe, tell: Callable[[bool, str], Awaitable[None]], until_good: bool = False
    ) -> None:
        await asyncio.sleep(max(0.0, probe.delay - (time.time() - self._begun)))
        streak, good = 0, None
        while True:
            complaint = await probes.ask(probe, self.pod.target(self))
            streak = streak + 1 if good is (not complaint) else 1
            good = not complaint
            if complaint:
                self.pod.note("Unhealthy", f"{_kind(tell)} probe failed: {complaint}", self.name, warn=True)
            if streak >= (probe.successes if good else probe.failures):
                await tell(good, complaint)
                if good and until_good:
                    return
            eager = not good and tell != self._liveness
            await asyncio.sleep(min(probe.period, self._impatience()) if eager else probe.period)

    def _impatience(self) -> float:
        """Not ready yet: asked more often than a kubelet would, since a class is waiting."""
        age = time.time() - self._begun
        return 0.1 if age < 5 else 1.0 if age < STEADY_SECONDS else STEADY_SECONDS

    async def _startup(self, good: bool, _: str) -> None:
        probe = Probe.of(self.spec["startupProbe"])
        if good:
            self.state.started = True
            self.state.ready = not self.spec.get("readinessProbe")
            self.pod.changed()
        elif time.time() - self._begun > probe.delay + probe.period * probe.failures:
            await self._kill(f"Container {self.name} failed startup probe, will be restarted")

    async def _readiness(self, good: bool, _: str) -> None:
        if self.state.ready != good:
            self.state.ready = good
            self.pod.changed()

    async def _liveness(self, good: bool, _: str) -> None:
        if not good:
            await self._kill(f"Container {self.name} failed liveness probe, will be restarted")

    async def _kill(self, message: str) -> None:
        self.pod.note("Killing", message, self.name)
        await self.stop(self.pod.grace)

    async def stop(self, grace: float) -> None:
        """The stop signal, then SIGKILL after the grace time; returns when it has ended."""
        name = self.program_name
        if not self.state.running or name not in self.pod.runtime.programs:
            return
        deadline = time.monotonic() + grace
        await self._before_stop(grace)
        await self.pod.runtime.signal(name, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.pod.runtime.ended(name), max(0.0, deadline - time.monotonic()))
            return
        await self.pod.runtime.signal(name, signal.SIGKILL)
        await self.pod.runtime.ended(name)

    async def _before_stop(self, grace: float) -> None:
        hook = (self.spec.get("lifecycle") or {}).get("preStop")
        with contextlib.suppress(TimeoutError):
            if hook and "sleep" in hook:
                await asyncio.sleep(min(grace, float(hook["sleep"]["seconds"])))
            elif hook:
                probe = Probe(hook, 0, max(grace, 0.1), 1, 1, 1)
                if complaint := await probes.ask(probe, self.pod.target(self)):
                    self.pod.note("FailedPreStopHook", f"PreStopHook failed: {complaint}", self.name, warn=True)
            elif self.image and self.image.kind == "proxy" and not self.init:
                await asyncio.sleep(min(grace, proxy.DRAIN_SECONDS))


def _kind(tell: Callable[..., object]) -> str:
    return tell.__name__.removeprefix("_").capitalize()
