"""Two who ask for the same at the same time, and one of whom is in the middle of it."""

import asyncio

import psycopg
import pytest

from profilecore.adapters.codec.tasks import encode_json, task_columns
from profilecore.adapters.postgres import PostgresAddress, PostgresTasks
from profilecore.adapters.postgres.receipts import receipt_of
from profilecore.errors import Unavailable
from profilecore.order import Order
from profilecore.receipt import Receipt, Repeated
from profilecore.service import now
from profilecore.task import Task
from tests.support.postgres import using

ADD = "SELECT id, kept FROM profilecore_add_tasks_once(%s::jsonb)"
RECEIPT = Receipt.of("me", "POST /tasks/delayed", "key")


def row(order: Order) -> str:
    """An order as the function takes it."""
    columns = {"id": str(order.id), **task_columns(order.task(now()))}
    return encode_json([{**columns, "receipt": receipt_of(RECEIPT)}])


@pytest.mark.parametrize("undone", [False, True])
async def test_who_comes_second_waits_for_the_first(address: PostgresAddress, undone: bool) -> None:
    async with using(address) as database:
        tasks = PostgresTasks(database)
        with psycopg.connect(address.conninfo()) as other:
            assert len(other.execute(ADD, (row(Order(type="echo")),)).fetchall()) == 1
            second = asyncio.create_task(tasks.add([Order(type="echo", receipt=RECEIPT)]))
            done, _ = await asyncio.wait({second}, timeout=0.3)
            assert not done
            if undone:
                other.rollback()
            else:
                other.commit()
            (outcome,) = await second
        assert isinstance(outcome, Task if undone else Repeated)


async def test_who_comes_second_does_not_wait_for_long(address: PostgresAddress) -> None:
    async with using(address) as database:
        with psycopg.connect(address.conninfo()) as other:
            other.execute(ADD, (row(Order(type="echo")),))
            with pytest.raises(Unavailable, match="Others held"):
                await PostgresTasks(database).add([Order(type="echo", receipt=RECEIPT)])
