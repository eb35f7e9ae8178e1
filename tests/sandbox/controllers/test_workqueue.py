"""Keys are worked on once however often they are added, never twice at a time, and again after a fault."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from meshctl.sandbox.controllers.api import ApiFault
from meshctl.sandbox.controllers.workqueue import Key, WorkQueue

A, B = ("default", "a"), ("default", "b")


def play(work: Callable[[WorkQueue, Key], Awaitable[bool]], *begun: Key) -> list[Key]:
    """The keys in the order in which they were worked on, until the work says that it is all."""
    done: list[Key] = []

    async def run() -> None:
        end = asyncio.Event()

        async def sync(key: Key) -> None:
            done.append(key)
            if await work(queue, key):
                end.set()

        queue = WorkQueue("test", sync)
        for key in begun:
            queue.add(key)
        keeping = asyncio.create_task(queue.keep())
        await asyncio.wait_for(end.wait(), 10)
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)

    asyncio.run(run())
    return done


def test_what_is_added_twice_is_done_once() -> None:
    async def work(_: WorkQueue, key: Key) -> bool:
        return key == B

    assert play(work, A, A, A, B) == [A, B]


def test_what_is_added_while_it_is_done_is_done_again_and_not_at_the_same_time() -> None:
    busy, times = set[Key](), 0

    async def work(queue: WorkQueue, key: Key) -> bool:
        nonlocal times
        assert key not in busy
        busy.add(key)
        times += 1
        if times < 3:
            queue.add(key)
        await asyncio.sleep(0)
        busy.remove(key)
        return times == 3

    assert play(work, A) == [A] * 3


def test_a_fault_or_a_defect_holds_up_nobody_else_and_is_tried_again() -> None:
    faults = [ApiFault(409, "behind"), KeyError("spec")]

    async def work(_: WorkQueue, key: Key) -> bool:
        if key == A and faults:
            raise faults.pop()
        return key == A

    done = play(work, A, B)
    assert done.count(B) == 1
    assert done.count(A) == 3


def test_of_two_times_the_sooner_counts() -> None:
    waited: list[float] = []

    async def work(queue: WorkQueue, key: Key) -> bool:
        loop = asyncio.get_running_loop()
        waited.append(loop.time())
        if key == A and len(waited) == 1:
            queue.add_later(A, 3600)
            queue.add_later(A, 0.01)
            queue.add_later(A, 3600)
            return False
        return True

    assert play(work, A) == [A, A]
