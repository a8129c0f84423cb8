"""`python -m mesoclinic.probe http://localhost:8000/ready/`: exit 0 if that page answers 200. For health checks."""
import sys
import urllib.request
from urllib.error import URLError


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=4) as answer:  # noqa: S310 - the address is ours
            return answer.status == 200
    except (URLError, OSError):
        return False


if __name__ == "__main__":
    sys.exit(0 if answers(sys.argv[1]) else 1)
