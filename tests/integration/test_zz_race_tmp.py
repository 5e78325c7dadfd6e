import asyncio, time, pytest
from tests.integration.test_worker import *
from tests.conftest import *
async def test_lat(database, bus, dsn):
    at = {}
    class M(Model):
        async def stream(self, prompt, tools):
            at[prompt.items[-1].text] = time.perf_counter()
            async for e in super().stream(prompt, tools): yield e
    model = M(); lat = []
    async with working(database, bus, dsn, model) as w, Hub(database, bus) as hub:
        await until(lambda: w.healthy)
        for n in range(60):
            t = Talk(database, hub, LONG, await new_user(database))
            said = await t.send(f"m{n}")
            t0 = time.perf_counter()
            await t.ended(said)
            lat.append(at[f"m{n}"]-t0)
    lat.sort()
    print("LAT p50 %.1f ms p99 %.1f max %.1f" % (lat[len(lat)//2]*1e3, lat[int(len(lat)*.99)]*1e3, lat[-1]*1e3))
