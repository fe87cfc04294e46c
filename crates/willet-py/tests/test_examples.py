"""Every example runs, and does what it says."""

from __future__ import annotations

import asyncio
import importlib.util
import io
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import willet

EXAMPLES = Path(__file__).parents[3] / "examples" / "python"


def example(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_every_example_is_listed_and_tested() -> None:
    names = {path.stem for path in EXAMPLES.glob("*.py")}
    listed = (EXAMPLES / "README.md").read_text()
    here = Path(__file__).read_text()
    assert names and all(f"`{name}.py`" in listed and f'example("{name}")' in here for name in names)
    assert [path.name for path in EXAMPLES.glob("*.ipynb")] == ["willet.ipynb"] and "`willet.ipynb`" in listed


def test_sensors() -> None:
    alarms = example("sensors").main()
    assert any(alarm.source == "cellar" and alarm.sample_count > 3 * 1440 - 5 for alarm in alarms)


def test_card_fraud(capsys: pytest.CaptureFixture[str]) -> None:
    module = example("card_fraud")
    module.main()
    told = capsys.readouterr().out
    assert all(f"payment {at + 1} " in told for at in module.payments()[1])


def test_network_flows() -> None:
    found = asyncio.run(example("network_flows").main())
    assert 3_651 in [result.sample_count for result in found] and len(found) < 80


def test_memory() -> None:
    assert example("memory").main()["memory_mb"] <= 2.0


def test_batching() -> None:
    done = asyncio.run(example("batching").main())
    assert [result.sample_count for batch in done for result in batch] == list(range(1, 2_501))
    assert max(map(len, done)) <= 1_000


def test_parallel() -> None:
    module = example("parallel")
    alone, together = asyncio.run(module.main(workers=1)), asyncio.run(module.main(workers=4))
    assert [result.score for result in alone if not result.warming_up] == [result.score for result in together if not result.warming_up]


def test_metrics() -> None:
    pytest.importorskip("prometheus_client")
    text = example("metrics").main(free_port())
    assert 'anomaly_detection_samples_processed_total{algorithm="hst"} 1000.0' in text


def test_json_logging() -> None:
    stream = io.StringIO()
    example("json_logging").main(stream)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert {"source": "line-3", "sample_id": 901, "event": "anomaly"}.items() <= lines[-1].items() or 901 in [
        it["sample_id"] for it in lines
    ]


def test_tracing() -> None:
    pytest.importorskip("opentelemetry.sdk")
    spans = example("tracing").main()
    assert {span.name for span in spans} == {"process_sample", "anomaly_detection"}
    assert spans[-1].attributes["algorithm"] == "zscore" and spans[-1].attributes["sample_id"] == 200


def test_window_size(capsys: pytest.CaptureFixture[str]) -> None:
    found = example("window_size").main(1_500)
    # Nothing fills a window of 2,000 here.
    assert len(found.rows) == 12 and {row.window_size for row in found.rows} == {100, 500, 1_000}
    told = capsys.readouterr().out
    assert found.advice in told and f"algorithm='{found.best.algorithm}', window_size={found.best.window_size}" in told


@pytest.mark.parametrize("recovery", ["restart", "switch_algorithm", "reduce_complexity"])
def test_robust(recovery: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = example("robust")
    monkeypatch.setattr(module, "FIRST_WAIT", 0.001)
    stream = asyncio.run(module.main(recovery))
    assert stream.recoveries == 1 and stream.service.samples_processed > 0
    expected = {"restart": ("iforest", 1000), "switch_algorithm": ("hbos", 1000), "reduce_complexity": ("iforest", 500)}[recovery]
    assert (stream.service.algorithm, stream.service.window_size) == expected


def test_monitor() -> None:
    assert example("monitor").main() == ["HIGH_MEMORY_USAGE", "HIGH_ERROR_RATE"]


def test_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMING_ALGORITHM", "lof")
    of_file, of_environment = example("configuration").main()
    assert of_file.algorithm == "ensemble" and of_environment.algorithm == "lof"


async def test_websocket_server() -> None:
    websockets = pytest.importorskip("websockets.asyncio.client")
    port = free_port()
    stop = asyncio.Event()
    server = asyncio.ensure_future(example("websocket_server").main(port, stop))
    try:
        for _ in range(100):
            try:
                first = await websockets.connect(f"ws://127.0.0.1:{port}")
                break
            except OSError:
                await asyncio.sleep(0.05)
        second = await websockets.connect(f"ws://127.0.0.1:{port}")
        for i in range(400):
            await first.send(json.dumps({"features": [float(i % 7), float(i % 5)]}))
            answer = json.loads(await first.recv())
            while "alert" in answer:
                answer = json.loads(await first.recv())
        assert set(answer) == {"timestamp", "is_anomaly", "anomaly_score", "confidence"}
        await first.send("{}")
        assert "expected" in json.loads(await first.recv())["error"]
        await first.send(json.dumps({"features": [90.0, -90.0]}))
        told = [json.loads(await first.recv()) for _ in range(2)]
        assert any(message.get("alert") == "Anomaly detected" and message["data"] == [90.0, -90.0] for message in told)
        heard: dict[str, Any] = {}
        while heard.get("data") != [90.0, -90.0]:
            heard = json.loads(await asyncio.wait_for(second.recv(), 5))
        assert set(heard) == {"alert", "score", "data"}
        await first.close()
        await second.close()
    finally:
        stop.set()
        await asyncio.wait_for(server, 10)


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    pytest.importorskip("redis")
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed (apt install redis-server): the example with Redis was not run")
    port = free_port()
    command = [program, "--bind", "127.0.0.1", "--port", str(port), "--dir", str(tmp_path), "--save", "", "--appendonly", "no"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert time.monotonic() < deadline and server.poll() is None, "redis-server did not start"
                time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)


def test_redis_stream(redis_url: str) -> None:
    import redis

    module = example("redis_stream")
    client = redis.Redis.from_url(redis_url, decode_responses=True)
    rng = np.random.default_rng(0)
    for i in range(300):
        odd = 60.0 if i == 280 else 0.0
        fields = {"temperature": 20 + rng.normal() + odd, "humidity": 50 + rng.normal(), "pressure": 1013 + rng.normal()}
        client.xadd(module.STREAM, {**fields, "timestamp": 1_767_225_600 + 60 * i})
    broken = client.xadd(module.STREAM, {"temperature": "warm"})
    assert module.run(redis_url, until_idle=True) >= 1
    assert client.xpending(module.STREAM, module.GROUP)["pending"] == 0
    alerts = [fields for _, fields in client.xrange(module.ALERTS)]
    assert all(set(alert) == {"message_id", "anomaly_score", "timestamp"} for alert in alerts)
    assert str(1_767_225_600 + 60 * 280) in [alert["timestamp"] for alert in alerts]
    assert broken not in [alert["message_id"] for alert in alerts]
    # What comes after a restart is taken up where it was left.
    client.xadd(module.STREAM, {"temperature": 20, "humidity": 50, "pressure": 1013, "timestamp": 1_767_300_000})
    module.run(redis_url, until_idle=True)
    assert client.xpending(module.STREAM, module.GROUP)["pending"] == 0


@pytest.mark.filterwarnings("ignore")
def test_kafka_alerts() -> None:
    kafka = pytest.importorskip("kafka")
    servers = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    if not servers:
        pytest.skip("KAFKA_BOOTSTRAP_SERVERS names no broker: the example with Kafka was not run against one")
    producer = kafka.KafkaProducer(bootstrap_servers=servers, value_serializer=lambda value: json.dumps(value).encode())
    rng = np.random.default_rng(0)
    for i in range(400):
        features = (rng.normal(size=3) + (50.0 if i == 390 else 0.0)).tolist()
        producer.send("sensor-data", {"timestamp": 1_767_225_600 + i, "source": "boiler", "features": features})
    producer.send("sensor-data", {"features": "broken"})
    producer.flush()
    assert example("kafka_alerts").run(servers) >= 1
    topics = ("anomaly-alerts", "anomaly-metrics")
    read = kafka.KafkaConsumer(*topics, bootstrap_servers=servers, auto_offset_reset="earliest", consumer_timeout_ms=20_000)
    found: dict[str, list[dict[str, Any]]] = {topic: [] for topic in topics}
    for record in read:
        found[record.topic].append(json.loads(record.value))
        is_told = any(alert["data"]["timestamp"] == 1_767_225_600 + 390 for alert in found["anomaly-alerts"])
        if is_told and len(found["anomaly-metrics"]) == 400:
            break
    read.close()
    assert [metrics["sample_count"] for metrics in found["anomaly-metrics"]] == list(range(1, 401))
    assert is_told and set(found["anomaly-alerts"][0]) == {"timestamp", "source", "anomaly_score", "confidence", "data"}
    # All were answered for, the broken one too: nothing comes a second time.
    group = kafka.KafkaConsumer(bootstrap_servers=servers, group_id="anomaly-detector")
    assert group.committed(kafka.TopicPartition("sensor-data", 0)) == 401
    group.close()


class Sent:
    """A producer that keeps what it was given."""

    def __init__(self) -> None:
        self.records: list[tuple[str, dict[str, Any]]] = []

    def send(self, topic: str, value: dict[str, Any]) -> None:
        self.records.append((topic, value))


def test_kafka_alerts_judges_readings_without_a_broker() -> None:
    module, sent = example("kafka_alerts"), Sent()
    service = willet.StreamingService(algorithm="zscore", contamination=0.01)
    for i in range(300):
        reading = {"timestamp": 1_767_225_600 + i, "source": "boiler", "features": [90.0 if i == 290 else float(i % 5)]}
        module.judge(service, sent, reading)
    assert module.judge(service, sent, {"features": [1.0]}) == 0
    topics = [topic for topic, _ in sent.records]
    assert topics.count("anomaly-metrics") == 300
    alert = next(value for topic, value in sent.records if topic == "anomaly-alerts")
    assert set(alert) == {"timestamp", "source", "anomaly_score", "confidence", "data"}
    assert set(sent.records[0][1]) == {"timestamp", "processing_time", "anomaly_score", "sample_count"}
    assert json.dumps([value for _, value in sent.records])


# Of the machinery around the kernel.
@pytest.mark.filterwarnings("ignore")
def test_the_notebook_runs_from_start_to_end_and_has_nothing_left_in_it(tmp_path: Path) -> None:
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    notebook = nbformat.read(EXAMPLES / "willet.ipynb", as_version=4)
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in cells), "outputs are stripped before it is committed"
    # An error in a cell is raised here.
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": tmp_path}}).execute()

    def shown(word: str) -> str:
        """What the cell with this word in it printed and gave."""
        [cell] = [cell for cell in cells if word in cell.source]
        return str([output.get("text") or output["data"] for output in cell.outputs])

    assert all("image/png" in shown(drawing) for drawing in ("willet.plot(", "found.plot()"))
    assert "drift seen:   2026-03-2" in shown("new_impeller = ")
    assert "take mahalanobis with a window of" in shown("tune_windows(") and "-1" in shown("make_pipeline(")
    assert "contributions" in shown("result.reason") and "jumps are flagged" in shown("jumps = ")
