"""Files wait in line: the urgent first, each once, none in two hands."""

import asyncio

from izumi.publishers.acquisition.line import Line


async def test_the_urgent_come_first_then_the_older():
    line = Line(lambda id_: (0 if id_ == 3 else 1, id_))
    for id_ in (2, 1, 3):
        line.put(id_)
    assert [await line.take() for _ in range(3)] == [3, 1, 2]


async def test_a_file_stands_in_line_once():
    line = Line(lambda id_: (0, id_))
    line.put(1)
    line.put(1)
    assert len(line) == 1
    assert await line.take() == 1
    assert len(line) == 0


async def test_a_file_in_hand_is_given_to_nobody_else_and_comes_again_after_that():
    line = Line(lambda id_: (0, id_))
    line.put(1)
    await line.take()
    line.put(1)
    waiting = asyncio.create_task(line.take())
    await asyncio.sleep(0)
    assert not waiting.done()
    assert line.in_hand == {1}
    line.done(1)
    assert await waiting == 1


async def test_of_two_waits_the_shorter_one_counts_and_putting_ends_both():
    line = Line(lambda id_: (0, id_))
    line.put_later(1, 3600)
    line.put_later(1, 0.01)
    line.put_later(1, 3600)
    assert await asyncio.wait_for(line.take(), 30) == 1
    line.done(1)
    line.put_later(1, 3600)
    line.put(1)
    assert await line.take() == 1
    line.done(1)


async def test_it_is_idle_when_nothing_is_in_hand():
    line = Line(lambda id_: (0, id_))
    await line.idle()
    line.put(1)
    await line.idle()
    await line.take()
    idle = asyncio.create_task(line.idle())
    await asyncio.sleep(0)
    assert not idle.done()
    line.done(1)
    await idle


async def test_a_closed_line_forgets_what_waits_for_later():
    line = Line(lambda id_: (0, id_))
    line.put_later(1, 0.01)
    line.close()
    await asyncio.sleep(0.05)  # what must not happen has no event to wait for
    assert len(line) == 0
