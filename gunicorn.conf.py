"""How gunicorn runs the server; every number with its reason."""

from __future__ import annotations

import gc
import os
import select
import shutil
import tempfile
import threading

from gunicorn.glogging import Logger

from deeplink.logs import JsonFormatter

# Nearly all that a start makes stays; to look through it again and again for garbage takes a
# fifth of the start. ``pre_fork`` below ends this.
gc.disable()

# Two processes keep answering when one dies; Heroku-like hosts set WEB_CONCURRENCY by memory.
workers = int(os.environ.get("WEB_CONCURRENCY") or 2)

# An exchange waits for a provider, 150 ms at best and 10 s at worst; a thread that waits costs
# little. 20 are kept free of exchanges, so that 200 make 180 calls of 150 ms at once: 1,200 a
# second, which is more than a core can do. More threads were measured to be slower, not faster.
threads = int(os.environ.get("DEEPLINK_THREADS") or 200)

# gthread with a front door: the event loop answers the association files itself, and neither half
# a head nor a client that does not close costs a thread (deeplink/web/fastlane.py). With
# DEEPLINK_LANE=process that is one worker more, which has nothing else to do
# (deeplink/web/fastlane_process.py); with 0, and where there is no epoll, it is plain gthread.
_LANES = {
    "0": "gthread",
    "1": "deeplink.web.fastlane.FastLane",
    "process": "deeplink.web.fastlane_process.LaneProcess",
}
_lane = os.environ.get("DEEPLINK_LANE") or "1"
if _lane not in _LANES:
    raise ValueError(f"DEEPLINK_LANE is {_lane!r}; write 0, 1 or process, or leave it out")
if not hasattr(select, "epoll"):
    _lane = "0"
worker_class = _LANES[_lane]
workers += _lane == "process"

# The config is read and checked once, and the workers share the memory of what came of it.
preload_app = True

# A callback's query may be 4,096 bytes long; gunicorn's default for the whole line is 4,094.
limit_request_line = 8190

# Routers in front of us keep connections open; a parked one costs no thread in gthread.
keepalive = 75

# Heroku-like hosts kill 30 s after they asked: finish before that.
graceful_timeout = 25
timeout = 30

# The heartbeat file on a real disk can block a worker for as long as the disk does.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108

# One line per request is written by the application, which knows the route and leaves out the
# query; gunicorn's own access log would print the authorization code.
accesslog = None


# gunicorn would open a control socket in the home directory; nothing here is managed through it.
control_socket_disable = True


class JsonLogger(Logger):
    """gunicorn's own messages in our form: its error path prints whole request targets."""

    def setup(self, cfg):
        super().setup(cfg)
        # The command line wins over this file, and with preload_app the application is loaded
        # before any hook is called: the logger is the first to see what came of both.
        is_apart = cfg.worker_class_str == _LANES["process"] and cfg.workers > 1
        os.environ["WEB_CONCURRENCY"] = str(cfg.workers - is_apart)
        os.environ["DEEPLINK_THREADS"] = str(cfg.threads)
        for handler in self.error_log.handlers:
            handler.setFormatter(JsonFormatter())


logger_class = JsonLogger


def post_worker_init(worker):
    # Compiling the templates takes 25 ms, in which the files would have to wait for the start, or
    # the first visitor for the page. Half a second later nobody waits.
    pages = getattr(worker.wsgi, "extensions", {}).get("deeplink.pages")
    if pages is not None:
        timer = threading.Timer(0.5, pages.compile)
        timer.daemon = True
        timer.start()


# Each worker counts in files of its own; they must exist before prometheus_client is imported.
_counters = tempfile.mkdtemp(prefix="deeplink-metrics-")
os.environ["PROMETHEUS_MULTIPROC_DIR"] = _counters


def pre_fork(server, worker):
    # A collector writes into all that it looks at, and what a worker writes into is no longer
    # shared: what the start made is put out of its sight (https://docs.python.org/3/library/gc.html,
    # gc.freeze). A reload reads this file again, so that there is something to end once more.
    if not gc.isenabled():
        gc.freeze()
        # With 200 requests under way nearly all that is young is in use, and a look every 700
        # objects finds nothing: 1 exchange in 20 was spent on it.
        gc.set_threshold(20_000, 20, 20)
        gc.enable()


def child_exit(server, worker):
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)


def on_exit(server):
    shutil.rmtree(_counters, ignore_errors=True)
