"""A WebSocket server on 8765: `{"features": [...]}` in, a verdict out, anomalies told to every client."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timezone
from typing import Any

from willet import InputError, StreamingService


class Server:
    """What clients share: one service, and the list of them."""

    def __init__(self) -> None:
        self.service = StreamingService(algorithm="hst", contamination=0.02)
        self.clients: set[Any] = set()

    async def serve_client(self, socket: Any) -> None:
        """Answer a client until it goes."""
        self.clients.add(socket)
        try:
            async for message in socket:
                await socket.send(json.dumps(await self.answer(message)))
        finally:
            self.clients.discard(socket)

    async def answer(self, message: str | bytes) -> dict[str, Any]:
        """The verdict on a message."""
        try:
            features = json.loads(message)["features"]
            result = await self.service.process_sample(features)
        except (ValueError, KeyError, TypeError, InputError) as error:
            return {"error": f'{error} (expected {{"features": [numbers]}})'}
        if result.is_anomaly:
            from websockets.asyncio.server import broadcast

            broadcast(self.clients, json.dumps({"alert": "Anomaly detected", "score": result.anomaly_score, "data": features}))
        return {
            "timestamp": datetime.now(timezone.utc).isoformat(),
            "is_anomaly": result.is_anomaly,
            "anomaly_score": None if result.warming_up else result.anomaly_score,
            "confidence": None if result.warming_up else result.confidence,
        }


async def main(port: int = 8765, stop: asyncio.Event | None = None) -> None:
    """Serve until told to stop."""
    from websockets.asyncio.server import serve

    server = Server()
    async with serve(server.serve_client, "127.0.0.1", port):
        await (stop or asyncio.Event()).wait()


if __name__ == "__main__":
    asyncio.run(main())
