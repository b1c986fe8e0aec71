"""The child process of `limited.run_limited`: limits itself, measures, and writes one answer.

The answer is a line with the code of a refusal and its cause, empty when there is none, then the result as JSON.
"""

import json
import math
import os
import resource
import sys
from importlib import import_module
from pathlib import Path

MOST_OPEN_FILES = 64


def main(most_s: str, most_mb: str, task: str) -> None:
    """Limits first: even the imports are then within them."""
    answer_to = _keep_for_the_answer()
    limit_process(most_s=float(most_s), most_mb=int(most_mb))
    import msgspec

    from printing.estimates.limits import Unmeasurable

    module, name, path, *arguments = json.loads(task)
    try:
        result = getattr(import_module(module), name)(Path(path), *arguments)
        answer = b"\n" + msgspec.json.encode(result)
    except Unmeasurable as refusal:
        cause = type(refusal.__cause__).__name__ if refusal.__cause__ else ""
        answer = f"{refusal.code} {cause}".encode()
    except MemoryError:
        answer = b"too_large"
    with os.fdopen(answer_to, "wb") as stream:
        stream.write(answer)


def _keep_for_the_answer() -> int:
    """What a library prints must not end up in the answer."""
    answer_to = os.dup(1)
    os.dup2(2, 1)
    return answer_to


def limit_process(*, most_s: float, most_mb: int) -> None:
    """Seconds of processor, MB of addresses, no file written, no core dumped, few files open."""
    seconds, addresses = math.ceil(most_s), most_mb * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (addresses, addresses))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (MOST_OPEN_FILES, MOST_OPEN_FILES))


if __name__ == "__main__":
    main(*sys.argv[1:])
