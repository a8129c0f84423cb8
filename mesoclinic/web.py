"""gunicorn's configuration, the same in bin/up and in compose: `gunicorn -c python:mesoclinic.web mesoclinic.wsgi`."""
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
