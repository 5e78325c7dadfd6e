"""The one who kills: SIGKILL to a server, a worker or one of each, at random; and how soon their turns go on."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from bench.soaking.processes import Program
from bench.soaking.watching import Watch

RESUMED_WITHIN = 60.0


@dataclass
class Kill:
    """One process that was killed. Moments are of the monotonic clock; `resumed` has one for each turn it held."""

    program: str
    at: float
    held: dict[UUID, int]
    left: bool
    started: float = 0.0
    ready: float = 0.0
    resumed: dict[UUID, float] = field(default_factory=dict)


@dataclass
class Killer:
    """Of the kills, the share `both` takes a server and a worker at once, and the share `left` isn't restarted until
    another replica has gone on with what it held."""

    programs: Sequence[Program]
    watch: Watch
    chance: random.Random
    both: float = 0.15
    left: float = 0.15
    pause: float = 1.0
    done: list[Kill] = field(default_factory=list)

    async def run(self, kills: int) -> None:
        """Kill so many, and return when all that they held goes on."""
        async with asyncio.TaskGroup() as followers:
            while len(self.done) < kills:
                await asyncio.sleep(self.pause * self.chance.uniform(0.5, 1.5))
                victims = self._choose(kills - len(self.done))
                left = len(victims) == 1 and self.chance.random() < self.left
                made = await asyncio.gather(*(self._kill(victim, left) for victim in victims))
                self.done.extend(made)
                following = [followers.create_task(self._follow(kill)) for kill in made]
                if left:
                    await asyncio.wait(following)
                await asyncio.gather(*(_restart(*pair) for pair in zip(victims, made, strict=True)))

    def _choose(self, most: int) -> list[Program]:
        victims = [self.chance.choice(self.programs)]
        others = [program for program in self.programs if program.command != victims[0].command]
        if most > 1 and others and self.chance.random() < self.both:
            victims.append(self.chance.choice(others))
        return victims

    async def _kill(self, victim: Program, left: bool) -> Kill:
        at = time.monotonic()
        pid = await victim.kill()
        return Kill(victim.name, at, await self.watch.held_by(pid), left)

    async def _follow(self, kill: Kill) -> None:
        """Note when each of its turns goes on. One that doesn't in time is found at the end as not ended."""
        try:
            async with asyncio.timeout(RESUMED_WITHIN):
                for turn, version in kill.held.items():
                    kill.resumed[turn] = await self.watch.progress_of(turn, version)
        except TimeoutError:
            return


async def _restart(program: Program, kill: Kill) -> None:
    await program.start()
    kill.started, kill.ready = program.started, program.ready
