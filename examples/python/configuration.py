"""A service from a file, and from the environment (`STREAMING_ALGORITHM=lof STREAMING_WINDOW_SIZE=500`)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from willet import StreamingConfig, StreamingService, create_streaming_service


def main() -> tuple[StreamingService, StreamingService]:
    of_file = create_streaming_service(StreamingConfig.from_file(Path(__file__).with_name("streaming.json")))
    of_environment = create_streaming_service(StreamingConfig.from_env())
    for service in (of_file, of_environment):
        service.sync.process_batch(np.random.default_rng(0).normal(size=(300, 3)))
        print(service)
    return of_file, of_environment


if __name__ == "__main__":
    main()
