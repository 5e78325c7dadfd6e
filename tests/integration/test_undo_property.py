"""Whatever the assistant does in a turn, undoing the turn gives every task the very state that it had before."""

from __future__ import annotations

from datetime import UTC, date, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.database import Database
from models.enums import Actor
from services.tasks import complete_task
from services.tasks.values import Author
from services.undo import undo_turn
from tests.conftest import new_user
from tests.support.acting import Acting, Does, named

LABELS = st.lists(st.sampled_from(["Home", "Shop", "home office"]), max_size=2)
CHANGES = st.one_of(
    st.builds(lambda title, labels: ("add_task", {"title": title, "labels": labels}), st.sampled_from("abc"), LABELS),
    st.builds(lambda title: ("update_task", {"title": title}), st.sampled_from(["x", "y"])),
    st.builds(lambda due: ("update_task", {"due": due}), st.sampled_from(["none", "2026-03-06", "2026-03-07T15:00"])),
    st.builds(lambda name: ("update_task", {"priority": name}), st.sampled_from(["NONE", "HIGH"])),
    st.builds(lambda labels: ("update_task", {"labels": labels}), LABELS),
    st.builds(lambda done: ("complete_task", {"completed": done}), st.booleans()),
    st.just(("delete_task", {})),
    st.just(("undo", {})),
)


@given(st.lists(st.tuples(CHANGES, st.integers(0, 3)), min_size=1, max_size=7))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_undoing_a_turn_gives_every_task_its_former_state(
    database: Database, changes: list[tuple[Does, int]]
) -> None:
    acting = Acting(database, await new_user(database))
    targets = [
        await acting.adds("one", labels=["Home"], due_date=date(2026, 3, 5)),
        await acting.adds("two", due_at=datetime(2026, 3, 5, 16, tzinfo=UTC), time_zone="Asia/Tokyo"),
        await acting.adds("three"),
    ]
    await database.work(acting.user, lambda work: complete_task(work, targets[2].id, Actor.USER))
    await acting.does(("update_task", {"task": named(targets[0]), "description": "2 l"}))
    before = await acting.states()
    claimed = await acting.begins()
    await acting.round(claimed, 0, [("add_task", {"title": "four"})])
    for number, ((name, arguments), place) in enumerate(changes, start=1):
        known = (await acting.everything()).tasks
        target = {} if name in ("add_task", "undo") else {"task": named(known[min(place, len(known) - 1)])}
        await acting.round(claimed, number, [(name, {**arguments, **target})])
    await acting.ends(claimed)
    await database.work(acting.user, lambda work: undo_turn(work, claimed.turn.id, Author(Actor.USER)))
    after = await acting.states()
    assert {task_id: after.pop(task_id) for task_id in before} == before
    assert all(task["deletedAt"] for task in after.values())
