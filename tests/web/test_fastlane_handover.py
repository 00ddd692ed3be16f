"""Two roles and two queues, shared by processes that may die at any moment."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import time

import pytest

from deeplink.web.fastlane_handover import LONGEST, Handover, Parcel, close_others, shared_by


@pytest.fixture
def handover():
    with contextlib.closing(Handover(None)) as handover:
        yield handover


@contextlib.contextmanager
def another_process(act):
    """A child that has done *act* and then waits to be killed."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            act()
            os.write(write, b"x")
            time.sleep(60)
        finally:
            os._exit(1)
    try:
        assert os.read(read, 1) == b"x"
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(read)
        os.close(write)


def test_there_is_one_lane_and_the_next_when_its_process_is_killed(handover):
    with another_process(handover.take_lane):
        assert not handover.take_lane()
        assert handover.has_lane()
    assert not handover.has_lane()
    assert handover.take_lane()


def test_there_may_be_several_applications_and_none_is_left_when_they_are_killed(handover):
    assert not handover.has_applications()
    with another_process(handover.join_applications):
        with another_process(handover.join_applications):
            assert handover.has_applications()
        assert handover.has_applications()
    assert not handover.has_applications()


def test_who_leaves_a_role_does_not_hold_it(handover):
    def come_and_go():
        handover.take_lane()
        handover.leave_lane()
        handover.join_applications()
        handover.leave_applications()

    with another_process(come_and_go):
        assert not handover.has_lane()
        assert not handover.has_applications()


@pytest.mark.parametrize("head", [b"", b"GET / HTTP/1.1\r\n\r\n", b"x" * LONGEST])
def test_a_parcel_arrives_with_an_open_connection_and_its_bytes(handover, head):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert handover.asks.put(Parcel(theirs.fileno(), 3, head))
        theirs.close()
        parcel = handover.asks.take()
        assert parcel[1:] == (3, head)
        with socket.socket(fileno=parcel.descriptor) as arrived:
            arrived.sendall(b"hello")
        assert ours.recv(10) == b"hello"
    assert handover.asks.is_empty()
    assert handover.asks.take() is None


def test_a_full_queue_says_so_and_has_room_again_when_one_is_taken(handover):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        parcel = Parcel(theirs.fileno(), 0, b"x" * 500)
        count = 0
        while handover.asks.put(parcel):
            count += 1
            assert count < 10_000
        # What the documents say of a queue's length.
        assert 50 < count < 1000
        assert not handover.asks.is_empty()
        os.close(handover.asks.take().descriptor)
        assert handover.asks.put(parcel)


def test_workers_of_one_configuration_share_and_those_of_another_do_not():
    first, second = object(), object()
    shared, other = shared_by(first), shared_by(second)
    assert shared_by(first) is shared
    assert other is not shared
    close_others(shared)
    assert shared.asks.is_empty()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(other.asks.exit)
    shared.close()


def test_a_generation_without_workers_ends_with_the_next_and_leaves_nothing_open():
    """Without the collector: the master freezes what it knows before each fork."""
    configuration = object()
    first = shared_by(configuration)
    descriptor = first.asks.exit
    inode = os.fstat(descriptor).st_ino
    del first
    assert shared_by(configuration).asks.exit == descriptor
    gc.disable()
    try:
        shared_by(object())
        with contextlib.suppress(OSError):
            assert os.fstat(descriptor).st_ino != inode
    finally:
        gc.enable()
