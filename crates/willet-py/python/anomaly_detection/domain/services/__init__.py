"""See :mod:`willet.streaming`."""

from willet.streaming import StreamingConfig, StreamingService, create_streaming_service

__all__ = ["StreamingConfig", "StreamingService", "create_streaming_service"]
