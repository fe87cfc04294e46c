#!/usr/bin/env bash
# Runs a Kafka broker for tests in the foreground until it is told to end: run.sh FOLDER. It listens on a free port of the loopback
# device and writes that address to FOLDER/address once it answers. All it keeps is below FOLDER; its programs are fetched once.
# Ends with 3 where mvn or java is missing, or nothing can be fetched.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:?run.sh FOLDER}
for tool in java mvn; do
  command -v "$tool" >/dev/null || { echo "$tool is missing, expected Java 17 or newer and Maven (apt install default-jdk-headless maven)" >&2; exit 3; }
done
libs=$folder/libs
if ! cmp -s "$here/pom.xml" "$libs/pom.xml"; then
  rm -rf "$libs"
  mvn -B -q -f "$here/pom.xml" dependency:copy-dependencies -DoutputDirectory="$libs" >&2 || { echo "Kafka could not be fetched" >&2; exit 3; }
  # Last: what was cut off half way is fetched anew.
  cp "$here/pom.xml" "$libs/pom.xml"
fi

# Both at once, or the second could be the first.
read -r port control < <(python3 - <<'PYTHON'
import socket

probes = [socket.socket() for _ in range(2)]
for probe in probes:
    probe.bind(("127.0.0.1", 0))
print(*[probe.getsockname()[1] for probe in probes])
PYTHON
)
rm -rf "$folder/data" "$folder/address"
mkdir -p "$folder/data"
cat > "$folder/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$control
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$control
advertised.listeners=PLAINTEXT://127.0.0.1:$port
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs=$folder/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=4194304
PROPERTIES

# Small and quick to start: it sees some hundred records.
jvm=(java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$libs/*")
"${jvm[@]}" kafka.tools.StorageTool format --cluster-id d2lsbGV0LXRlc3RzLTAwMQ --config "$folder/server.properties" > "$folder/log" 2>&1 \
  || { cat "$folder/log" >&2; exit 1; }
"${jvm[@]}" kafka.Kafka "$folder/server.properties" >> "$folder/log" 2>&1 &
broker=$!
trap 'kill "$broker" 2>/dev/null || true; wait "$broker" 2>/dev/null || true; rm -f "$folder/address"' EXIT
trap 'exit 0' INT TERM
# A busy machine has taken half a minute.
for _ in $(seq 1200); do
  kill -0 "$broker" 2>/dev/null || { echo "the broker ended before it answered:" >&2; tail -20 "$folder/log" >&2; exit 1; }
  if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
    echo "127.0.0.1:$port" > "$folder/address.new"
    mv "$folder/address.new" "$folder/address"
    wait "$broker"
    exit
  fi
  sleep 0.1
done
echo "the broker did not answer within two minutes (its log is $folder/log)" >&2
exit 1
