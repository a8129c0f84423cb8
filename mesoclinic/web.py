"""gunicorn's configuration, the same in bin/up and in compose: `gunicorn -c python:mesoclinic.web mesoclinic.wsgi`."""
import gc
import os

workers = int(os.environ.get("WEB_WORKERS", "2"))
worker_class = "gthread"
threads = 4
timeout = 60
graceful_timeout = 10
keepalive = 5
# A worker's heartbeat is a file: in memory, so that a slow disk never looks like a dead worker.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108
control_socket_disable = True
logger_class = "mesoclinic.logs.ServerLog"


def post_worker_init(worker: object) -> None:
    """What a worker keeps for good (code, addresses, translations) is not looked through again and again for garbage, and a
    page is not interrupted for it as often: a whole collection takes as long as five pages."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
