// Made of protocol/openapi.json by protocol/wire.mjs (make gen): not to be edited.

export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description What happened when, over all keys, and for those with the most anomalies. */
        Activity: {
            /** @description Anomalies in each. */
            anomalies: number[];
            /**
             * Format: int64
             * @description Seconds of a bin.
             */
            bin_seconds: number;
            /** @description Events in each. */
            events: number[];
            /** @description Keys with the most anomalies, most first. */
            sources: components["schemas"]["SourceActivity"][];
            /** @description Begins of the bins, in seconds since the epoch; all of them, also those without events. */
            times: number[];
        };
        /** @description What a person is told of anomalies that belong together. */
        Alert: {
            /** @description When somebody first acknowledged it. */
            acknowledged_at?: string;
            /** @description Who did. */
            acknowledged_by?: string;
            /**
             * Format: int64
             * @description Anomalies in it.
             */
            anomalies: number;
            /** @description Id of its first verdict. */
            first_verdict: string;
            /** @description Id of its first verdict, with `~` for `/`. */
            id: string;
            /** @description Event time of its newest anomaly. */
            last_anomaly_at: string;
            /**
             * Format: double
             * @description Highest so far; none where all came from other systems without one.
             */
            max_anomaly_score?: number;
            /** @description The last note that came with a command. */
            note?: string;
            /** @description Event time of its first anomaly. */
            opened_at: string;
            /** @description What came of telling people; only of a single alert. */
            receipts?: components["schemas"]["Receipt"][];
            /** @description When it was over. */
            resolved_at?: string;
            /** @description Highest so far. */
            severity: components["schemas"]["Severity"];
            /** @description Whether a silence matched when it opened. */
            silenced: boolean;
            /** @description The key. */
            source: string;
            /** @description Where it stands. */
            state: components["schemas"]["AlertState"];
            /** @description The stream. */
            stream: string;
            /** @description A line for people. */
            title: string;
            /** @description Time of what changed it last. */
            updated_at: string;
            /** @description The strangest verdict so far. */
            verdict: components["schemas"]["Verdict"];
        };
        /**
         * @description Where an alert stands.
         * @enum {string}
         */
        AlertState: "open" | "acknowledged" | "resolved";
        /** @description What came of an anomaly that another system found. */
        AlertTaken: {
            /** @description Of the alert that it belongs to. */
            alert_id?: string;
            /** @description Of the verdict. */
            id?: string;
            /** @description Whether it is an anomaly here. */
            is_anomaly: boolean;
        };
        /** @description Whether the process answers. */
        Alive: {
            /** @description Always true. */
            alive: boolean;
        };
        /** @description The newest verdicts that said yes. */
        Anomalies_Verdict: {
            /** @description Newest first. */
            anomalies: components["schemas"]["Verdict"][];
            /**
             * Format: int64
             * @description How many these are.
             */
            count: number;
        };
        /** @description What a client says on the live socket. */
        Ask: {
            /** @enum {string} */
            type: "ping";
        } | {
            /** @description Only of this key, and of keys that begin with it and a `/`. */
            source?: string | null;
            /** @description Names of topics; those that everybody hears where there are none. */
            topics?: string[];
            /** @enum {string} */
            type: "subscribe";
        };
        /** @description Health of one part. */
        Check: {
            /** @description What is wrong. */
            detail?: string;
            /** @description The part. */
            name: string;
            /** @description How it is. */
            status: components["schemas"]["CheckStatus"];
        };
        /**
         * @description How a part is.
         * @enum {string}
         */
        CheckStatus: "ok" | "degraded" | "failed";
        /**
         * @description What went wrong, as one of a closed list: programs decide by it, people read the rest.
         * @enum {string}
         */
        Code: "bad_request" | "bad_json" | "bad_event" | "bad_config" | "unauthorized" | "forbidden" | "not_found" | "method_not_allowed" | "conflict" | "stream_paused" | "managed_by_file" | "key_reused" | "timeout" | "too_large" | "unsupported_media_type" | "overloaded" | "storage_full" | "unavailable" | "internal";
        /** @description What came of events whose verdicts were waited for. */
        Detected: {
            /** @description The stream that judged them. */
            stream: string;
            /** @description One for each event, in order: a verdict, or `line` and `error` (an [`EventFailed`]). */
            verdicts: unknown[];
            /** @description Verdicts of the windows and buckets that they closed; left out where there are none. */
            windows?: components["schemas"]["Verdict"][];
        };
        /** @description What is normal of a series has changed. Fields that do not apply are left out. */
        Drift: {
            /** @description What is done about it. */
            action: string;
            /** @description Size of the change of each feature that changed, the most changed first. */
            features: {
                [key: string]: number;
            };
            /** @description `stream/partition/offset` of the record that showed it. */
            id: string;
            /**
             * Format: double
             * @description Size of the change in 0..=1.
             */
            magnitude: number;
            /**
             * Format: double
             * @description Chance of such a statistic without drift, where the test knows it.
             */
            p_value?: number;
            /**
             * Format: int64
             * @description Rows since the change is believed to have begun, where the test knows it.
             */
            rows_ago?: number;
            /**
             * Format: int64
             * @description Events of the series so far.
             */
            sample_count: number;
            /** @description The key; left out where the stream has only one, without a name. */
            source?: string;
            /**
             * Format: double
             * @description The test's own statistic.
             */
            statistic: number;
            /** @description The stream. */
            stream: string;
            /** @description Name of the test. */
            test: string;
            /** @description Event time of the event that showed it, RFC 3339 UTC. */
            timestamp?: string;
        };
        /**
         * @description An event. Any one form of the values will do: `values`, `features`, `metric` with `value`, or numeric fields. Unknown fields
         *     are kept as payload.
         */
        Event: {
            /** @description Values by place. */
            features?: number[] | null;
            /** @description An id: a second event with it is not counted. */
            id?: string | null;
            /** @description 0 or 1: what is known of it. */
            label?: unknown;
            /** @description Name of a single value: the series is `source/metric`. */
            metric?: string | null;
            /**
             * @description The key: what normal is learned for.
             * @example pump-7
             */
            source?: string | null;
            /** @description RFC 3339, or seconds, milliseconds, microseconds or nanoseconds since the epoch; time of arrival where there is none. */
            timestamp?: unknown;
            /**
             * Format: double
             * @description A single value.
             */
            value?: number | null;
            /**
             * @description Values by name; null is missing.
             * @example {
             *       "temperature": 71.2,
             *       "vibration": 0.31
             *     }
             */
            values?: {
                [key: string]: number | null;
            } | null;
        };
        /** @description Why an event was not taken. */
        EventError: {
            /**
             * Format: int32
             * @description Byte of the event at which it was seen, from 0.
             */
            byte?: number;
            /** @description One of a closed list. */
            code: string;
            /** @description What came, what would be right. */
            detail: string;
        };
        /** @description What came of one event: its id where it was taken, else its place and what is wrong with it. */
        EventResult: {
            /** @description What is wrong with it. */
            error?: components["schemas"]["EventError"];
            /** @description `stream/partition/offset`, where it was taken. */
            id?: string;
            /**
             * Format: int64
             * @description Line or place in the body, from 1, where it was not.
             */
            line?: number;
        };
        /** @description One [`Event`], or an array of them. */
        Events: unknown;
        /** @description What came of events. */
        EventsTaken: {
            /**
             * Format: int64
             * @description How many it took.
             */
            accepted: number;
            /**
             * Format: int64
             * @description How many it did not.
             */
            rejected: number;
            /** @description One for each event, in order. */
            results: components["schemas"]["EventResult"][];
            /** @description The stream that took them. */
            stream: string;
        };
        /** @description An anomaly that another system found. */
        ExternalAlert: {
            /**
             * Format: double
             * @description 0 to 1.
             */
            anomaly_score?: number | null;
            /** @description What the anomaly looks like. */
            anomaly_type?: string | null;
            /** @description Nothing happens where it is false. */
            is_anomaly?: boolean | null;
            /** @description Its name; the series is `source/metric`. */
            metric?: string | null;
            /**
             * @description The key.
             * @example pump-7
             */
            source: string;
            /** @description Stream that it belongs to; `default` where there is none. */
            stream?: string | null;
            /** @description RFC 3339 or seconds since the epoch; now where there is none. */
            timestamp?: unknown;
            /**
             * Format: double
             * @description A value.
             */
            value?: number | null;
        };
        /** @description What is taken for normal of one feature. */
        Feature: {
            /** @description Low, middle, high. */
            expected?: [
                number,
                number,
                number
            ];
            /** @description Its name. */
            name: string;
        };
        /** @description What one value did, in columns. */
        FeatureColumns: {
            /** @description Upper end. */
            high: (number | null)[];
            /** @description What was expected at the end of the place: lower end. */
            low: (number | null)[];
            /** @description Largest. */
            max: (number | null)[];
            /** @description Mean over the events of a place. */
            mean: (number | null)[];
            /** @description Middle. */
            middle: (number | null)[];
            /** @description Smallest. */
            min: (number | null)[];
            /** @description Its name. */
            name: string;
        };
        /** @description What an event was. */
        Feedback: {
            /**
             * @description `stream/partition/offset` of the event.
             * @example default/0/17
             */
            id: string;
            /** @description Whether it was an anomaly. */
            is_anomaly: boolean;
            /** @description Its key; needed where its verdict is not kept. */
            source?: string | null;
        };
        /** @description Health, part by part. */
        Health: {
            /** @description The parts. */
            checks: components["schemas"]["Check"][];
            /** @description How the whole is. */
            status: components["schemas"]["HealthStatus"];
            /**
             * Format: double
             * @description Since the start.
             */
            uptime_seconds: number;
            /** @description Version of Willet. */
            version: string;
        };
        /**
         * @description How the whole is.
         * @enum {string}
         */
        HealthStatus: "healthy" | "degraded";
        /** @description A history in columns; places without events are left out, null is where nothing is known. */
        History: {
            /** @description Anomalies in each. */
            anomalies: number[];
            /**
             * Format: int64
             * @description Seconds of a place.
             */
            bucket_seconds: number;
            /** @description Events in each. */
            events: number[];
            /** @description The values. */
            features: components["schemas"]["FeatureColumns"][];
            /** @description Highest `anomaly_score` in each. */
            max_score: (number | null)[];
            /** @description The key. */
            source: string;
            /** @description The stream. */
            stream: string;
            /** @description Begins of the places, in seconds since the epoch. */
            times: number[];
        };
        /** @description A key as lists show it. */
        Key: {
            /**
             * Format: int64
             * @description Anomalies among them.
             */
            anomalies: number;
            /**
             * Format: int64
             * @description Events of all time.
             */
            events: number;
            /** @description Time of its first event, to the bucket. */
            first_seen: string;
            /** @description Time of its newest event. */
            last_seen: string;
            /** @description The key. */
            source: string;
            /** @description The stream. */
            stream: string;
            /** @description Last value of each name. */
            values: {
                [key: string]: number;
            };
        };
        /** @description What is known of a key. */
        KeyDetail: {
            /** @description What the detector found out or chose for this series, in words. */
            about?: string;
            /** @description The kind of detector. */
            algorithm: string;
            /**
             * Format: int64
             * @description Anomalies among them.
             */
            anomalies: number;
            /** @description Whether there is something to go back to. */
            can_go_back: boolean;
            /**
             * Format: int64
             * @description Events of all time.
             */
            events: number;
            /** @description What is taken for normal. */
            features: components["schemas"]["Feature"][];
            /** @description Time of its first event, to the bucket. */
            first_seen?: string;
            /** @description Time of its newest event. */
            last_seen?: string;
            /** @description `stream/partition/offset` of the newest record learned. */
            learned_position: string;
            /** @description Time of the newest event learned. */
            learned_until?: string;
            /**
             * Format: int64
             * @description Bytes of its series.
             */
            memory_bytes: number;
            /**
             * Format: int32
             * @description Of what it learned.
             */
            model_version: number;
            /** @description When it was trained anew or further, oldest first; the last ones. */
            retrains: components["schemas"]["Retrain"][];
            /**
             * Format: int64
             * @description Events learned.
             */
            sample_count: number;
            /** @description The key. */
            source: string;
            /** @description The stream. */
            stream: string;
            /** @description Whether it has not seen enough. */
            warming_up: boolean;
        };
        /** @description From arrival to verdict, of the last half minute; null where there was none. */
        Latency: {
            /**
             * Format: double
             * @description Half of the events, in milliseconds.
             */
            p50?: number | null;
            /**
             * Format: double
             * @description 19 of 20 events, in milliseconds.
             */
            p95?: number | null;
        };
        /**
         * @description Who made a stream, and may change it.
         * @enum {string}
         */
        ManagedBy: "api" | "file" | "demo";
        /** @description A silence to make. */
        NewSilence: {
            /** @description Who says so. */
            by?: string | null;
            /** @description RFC 3339; now where there is none. */
            from?: string | null;
            /** @description Why. */
            reason?: string | null;
            /**
             * @description A key; a beginning of keys and `*`; or `*`.
             * @example pump-*
             */
            source: string;
            /** @description Only in this stream. */
            stream?: string | null;
            /**
             * @description RFC 3339.
             * @example 2030-01-02T03:04:05Z
             */
            until: string;
        };
        /** @description What a webhook gets. */
        Notification: {
            /** @description The alert as it was then. */
            data: components["schemas"]["Alert"];
            /** @description When it became known. */
            timestamp: string;
            /** @description What happened. */
            type: components["schemas"]["NotificationType"];
        };
        /**
         * @description What happened to an alert.
         * @enum {string}
         */
        NotificationType: "alert.opened" | "alert.escalated" | "alert.acknowledged" | "alert.resolved";
        /** @description A page of a list, newest first where it is of what happened. */
        Page_Alert: {
            /** @description Its rows. */
            items: components["schemas"]["Alert"][];
            /** @description Where the next begins; none on the last. */
            next_cursor?: string;
        };
        /** @description A page of a list, newest first where it is of what happened. */
        Page_Drift: {
            /** @description Its rows. */
            items: components["schemas"]["Drift"][];
            /** @description Where the next begins; none on the last. */
            next_cursor?: string;
        };
        /** @description A page of a list, newest first where it is of what happened. */
        Page_Key: {
            /** @description Its rows. */
            items: components["schemas"]["Key"][];
            /** @description Where the next begins; none on the last. */
            next_cursor?: string;
        };
        /** @description A page of a list, newest first where it is of what happened. */
        Page_Silence: {
            /** @description Its rows. */
            items: components["schemas"]["Silence"][];
            /** @description Where the next begins; none on the last. */
            next_cursor?: string;
        };
        /** @description A page of a list, newest first where it is of what happened. */
        Page_Stream: {
            /** @description Its rows. */
            items: components["schemas"]["Stream"][];
            /** @description Where the next begins; none on the last. */
            next_cursor?: string;
        };
        /** @description A page of a list, newest first where it is of what happened. */
        Page_Verdict: {
            /** @description Its rows. */
            items: components["schemas"]["Verdict"][];
            /** @description Where the next begins; none on the last. */
            next_cursor?: string;
        };
        /** @description Where a topic stands. */
        Position: {
            /** @description Another one after each start. */
            epoch: string;
            /**
             * Format: int64
             * @description Number of its newest message.
             */
            offset: number;
        };
        /** @description An error (RFC 9457). */
        Problem: {
            /** @description One of a closed list: programs decide by it. */
            code: components["schemas"]["Code"];
            /** @description What was tried, what came, what would be right. */
            detail: string;
            /** @description To be found again in the logs. */
            request_id: string;
            /** @description What came of each event, where there were several. */
            results?: components["schemas"]["EventResult"][];
            /**
             * Format: int32
             * @description HTTP status.
             */
            status: number;
            /** @description The same for every problem of this code. */
            title: string;
            /** @description A URI that stands for the code. */
            type: string;
        };
        /** @description Whether events are taken. */
        Ready: {
            /** @description Whether they are. */
            ready: boolean;
        };
        /** @description What came of telling somebody. */
        Receipt: {
            /** @description When it was tried last. */
            at: string;
            /**
             * Format: int32
             * @description How often it was tried.
             */
            attempts: number;
            /** @description What was wrong. */
            detail?: string;
            /** @description How it went. */
            status: components["schemas"]["ReceiptStatus"];
            /** @description Name of the receiver. */
            webhook: string;
        };
        /**
         * @description How telling somebody went.
         * @enum {string}
         */
        ReceiptStatus: "delivered" | "failed" | "pending";
        /** @description A training of a key. */
        Retrain: {
            /** @description What it is. */
            action: components["schemas"]["RetrainAction"];
            /** @description Why. */
            reason: components["schemas"]["RetrainReason"];
            /**
             * Format: int64
             * @description Kept rows that were learned.
             */
            rows: number;
            /**
             * Format: int64
             * @description Rows of the key when it began.
             */
            sample_count: number;
            /** @description How it is. */
            state: components["schemas"]["RetrainState"];
            /** @description Event time when it began. */
            timestamp?: string;
        };
        /**
         * @description What a training is.
         * @enum {string}
         */
        RetrainAction: "retrain" | "incremental" | "switch";
        /**
         * @description Why a key was trained anew.
         * @enum {string}
         */
        RetrainReason: "drift" | "schedule" | "anomaly_rate" | "command";
        /**
         * @description How a training is.
         * @enum {string}
         */
        RetrainState: "running" | "done" | "given up" | "undone";
        /** @description What the service says on the live socket, besides messages of topics. */
        Say: {
            /** @description Where each topic stands. */
            topics: {
                [key: string]: components["schemas"]["Position"];
            };
            /** @enum {string} */
            type: "welcome";
            /** @description Version of Willet. */
            version: string;
        } | {
            /** @enum {string} */
            type: "pong";
        } | {
            /**
             * Format: int64
             * @description How many; null where nobody knows.
             */
            count?: number | null;
            /** @description `slow`: the client was; `epoch`: the service was started anew. */
            reason: string;
            /** @description The topic. */
            topic: string;
            /** @enum {string} */
            type: "lost";
        } | {
            /** @description One of a closed list. */
            code: string;
            /** @description What came, what would be right. */
            detail: string;
            /** @enum {string} */
            type: "error";
        };
        /**
         * @description How bad an anomaly is, by its `anomaly_score`.
         * @enum {string}
         */
        Severity: "low" | "medium" | "high" | "critical";
        /** @description Who does it, and what they say. */
        Signed: {
            /** @description Who. */
            by?: string | null;
            /** @description What they say. */
            note?: string | null;
        };
        /** @description Alerts that match when they open are kept and not sent. */
        Silence: {
            /** @description Who said so. */
            by?: string;
            /** @description When. */
            created_at: string;
            /** @description From this event time on. */
            from: string;
            /** @description Its id. */
            id: string;
            /** @description Why. */
            reason?: string;
            /** @description A key; a beginning of keys and `*`; or `*`. */
            source: string;
            /** @description Only in this stream. */
            stream?: string;
            /** @description Until before this. */
            until: string;
        };
        /** @description Anomalies of one key. */
        SourceActivity: {
            /** @description Anomalies in each bin. */
            anomalies: number[];
            /** @description Highest `anomaly_score` in each bin. */
            max_score: (number | null)[];
            /** @description The key. */
            source: string;
            /** @description The stream. */
            stream: string;
            /**
             * Format: int64
             * @description Anomalies in all bins.
             */
            total: number;
        };
        /** @description Numbers of the node. */
        Statistics: {
            /**
             * Format: double
             * @description Their share.
             */
            anomaly_rate: number;
            /**
             * Format: double
             * @description Share of events that were not understood.
             */
            error_rate: number;
            /**
             * Format: double
             * @description Over the last ten seconds.
             */
            events_per_second: number;
            /** @description From arrival to verdict. */
            latency_ms: components["schemas"]["Latency"];
            /**
             * Format: int64
             * @description Alerts that are not resolved.
             */
            open_alerts: number;
            /**
             * Format: int64
             * @description Requests that were turned away.
             */
            refused_requests: number;
            /**
             * Format: int64
             * @description Events that were not understood.
             */
            rejected_events: number;
            /**
             * Format: int64
             * @description Taken and not judged: no value, an id that came before, values that do not fit their series.
             */
            skipped_events: number;
            /**
             * Format: int64
             * @description Keys known.
             */
            sources: number;
            /**
             * Format: int64
             * @description Anomalies among them.
             */
            total_anomalies: number;
            /**
             * Format: int64
             * @description Events of all time.
             */
            total_events: number;
            /**
             * Format: double
             * @description Since the start.
             */
            uptime_seconds: number;
        };
        /** @description A stream and how it is. */
        Stream: {
            /** @description As it is written in the configuration file. */
            config: Record<string, never>;
            /** @description When. */
            created_at: string;
            /** @description Who made it. */
            managed_by: components["schemas"]["ManagedBy"];
            /** @description Its name. */
            name: string;
            /** @description How it is. */
            status: components["schemas"]["StreamStatus"];
        };
        /** @description A stream as it is written in the configuration file. */
        StreamConfig: Record<string, never>;
        /**
         * @description How a stream is.
         * @enum {string}
         */
        StreamState: "running" | "paused" | "degraded" | "failed";
        /** @description How a stream is. */
        StreamStatus: {
            /**
             * Format: int64
             * @description Anomalies among them.
             */
            anomalies: number;
            /** @description Why. */
            detail?: string;
            /**
             * Format: int64
             * @description Events taken since the start.
             */
            events: number;
            /**
             * Format: double
             * @description Over the last ten seconds.
             */
            events_per_second: number;
            /**
             * Format: int64
             * @description Keys known.
             */
            keys: number;
            /** @description Arrival of the newest event. */
            last_event_at?: string;
            /**
             * Format: int64
             * @description Rises whenever what series learn is changed.
             */
            model_version: number;
            /**
             * Format: int64
             * @description Events that were not understood.
             */
            rejected: number;
            /**
             * @description Events that were taken and not judged, by reason: `missing`, `duplicate`, `width`, `form`, `names`, `time`, `features`,
             *     `poisoned`.
             */
            skipped?: {
                [key: string]: number;
            };
            /** @description In a word. */
            state: components["schemas"]["StreamState"];
        };
        /** @description The answer for one event. Fields that do not apply are left out. */
        Verdict: {
            /** @description The kind of detector. */
            algorithm: string;
            /**
             * Format: double
             * @description How rare: 1 in 10 is 0.50, 1 in 100 0.67, 1 in 1,000 0.75, 1 in 10,000 0.80; never 1.
             */
            anomaly_score?: number;
            /** @description What the anomaly looks like. */
            anomaly_type?: string;
            /**
             * Format: double
             * @description Probability that `is_anomaly` is right.
             */
            confidence?: number;
            /** @description Share of each feature in the score; sum 1. */
            contributions?: {
                [key: string]: number;
            };
            /** @description Values at which the event would have been normal, of the features that would have to move. */
            counterfactual?: {
                [key: string]: number;
            };
            /** @description Whether this event showed that what is normal has changed; left out where no test looks. */
            drift_detected?: boolean;
            /**
             * Format: double
             * @description Size in 0..=1 of what the test sees of such a change.
             */
            drift_magnitude?: number;
            /** @description Version of Willet. */
            engine_version?: string;
            /** @description Lower end, middle and upper end of what was expected of each feature. */
            expected?: {
                [key: string]: [
                    number,
                    number,
                    number
                ];
            };
            /** @description `stream/partition/offset` of the record that caused it; empty, and left out, until it has one. */
            id: string;
            /** @description The answer. */
            is_anomaly: boolean;
            /** @description The event lay behind its series. */
            late?: boolean;
            /**
             * Format: int32
             * @description Rises whenever what series learn is changed.
             */
            model_version?: number;
            /** @description What did it, in a sentence. */
            reason?: string;
            /**
             * Format: int64
             * @description Events of the series so far.
             */
            sample_count?: number;
            /**
             * Format: double
             * @description On the detector's own scale, higher is stranger.
             */
            score?: number;
            /** @description How bad: `low`, `medium`, `high`, `critical`. */
            severity?: components["schemas"]["Severity"];
            /** @description Nothing was scored, and why: `missing`, `duplicate`, `poisoned`, or a sentence. */
            skipped?: string;
            /** @description The key; left out where the stream has only one, without a name. */
            source?: string;
            /** @description The stream. */
            stream: string;
            /**
             * Format: double
             * @description `anomaly_score` from which on an event was an anomaly.
             */
            threshold?: number;
            /** @description Event time, RFC 3339 UTC. */
            timestamp?: string;
            /** @description The event's values. */
            values?: {
                [key: string]: number | null;
            };
            /** @description Present while the series has not seen enough; there are no scores then. */
            warming_up?: boolean;
            /** @description The window or bucket that it speaks of; left out of events. */
            window?: components["schemas"]["Window"];
        };
        /** @description A window or bucket of events. */
        Window: {
            /** @description Its first instant, RFC 3339 UTC. */
            begin?: string;
            /** @description The first instant after it; of windows by samples the time of their last event. */
            end?: string;
            /**
             * Format: int64
             * @description Events in it.
             */
            events: number;
            /** @description Events of it were left out, since there were too many. */
            is_cut?: boolean;
            /**
             * Format: int64
             * @description Silent buckets left out just before it.
             */
            left_out?: number;
            /**
             * Format: int32
             * @description 0 when it closes; 1, 2, ... when late events corrected it. It stands in the id as `@1`.
             */
            revision?: number;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type Activity = components['schemas']['Activity'];
export type Alert = components['schemas']['Alert'];
export type AlertState = components['schemas']['AlertState'];
export type AlertTaken = components['schemas']['AlertTaken'];
export type Alive = components['schemas']['Alive'];
export type AnomaliesVerdict = components['schemas']['Anomalies_Verdict'];
export type Ask = components['schemas']['Ask'];
export type Check = components['schemas']['Check'];
export type CheckStatus = components['schemas']['CheckStatus'];
export type Code = components['schemas']['Code'];
export type Detected = components['schemas']['Detected'];
export type Drift = components['schemas']['Drift'];
export type Event = components['schemas']['Event'];
export type EventError = components['schemas']['EventError'];
export type EventResult = components['schemas']['EventResult'];
export type Events = components['schemas']['Events'];
export type EventsTaken = components['schemas']['EventsTaken'];
export type ExternalAlert = components['schemas']['ExternalAlert'];
export type Feature = components['schemas']['Feature'];
export type FeatureColumns = components['schemas']['FeatureColumns'];
export type Feedback = components['schemas']['Feedback'];
export type Health = components['schemas']['Health'];
export type HealthStatus = components['schemas']['HealthStatus'];
export type History = components['schemas']['History'];
export type Key = components['schemas']['Key'];
export type KeyDetail = components['schemas']['KeyDetail'];
export type Latency = components['schemas']['Latency'];
export type ManagedBy = components['schemas']['ManagedBy'];
export type NewSilence = components['schemas']['NewSilence'];
export type Notification = components['schemas']['Notification'];
export type NotificationType = components['schemas']['NotificationType'];
export type PageAlert = components['schemas']['Page_Alert'];
export type PageDrift = components['schemas']['Page_Drift'];
export type PageKey = components['schemas']['Page_Key'];
export type PageSilence = components['schemas']['Page_Silence'];
export type PageStream = components['schemas']['Page_Stream'];
export type PageVerdict = components['schemas']['Page_Verdict'];
export type Position = components['schemas']['Position'];
export type Problem = components['schemas']['Problem'];
export type Ready = components['schemas']['Ready'];
export type Receipt = components['schemas']['Receipt'];
export type ReceiptStatus = components['schemas']['ReceiptStatus'];
export type Retrain = components['schemas']['Retrain'];
export type RetrainAction = components['schemas']['RetrainAction'];
export type RetrainReason = components['schemas']['RetrainReason'];
export type RetrainState = components['schemas']['RetrainState'];
export type Say = components['schemas']['Say'];
export type Severity = components['schemas']['Severity'];
export type Signed = components['schemas']['Signed'];
export type Silence = components['schemas']['Silence'];
export type SourceActivity = components['schemas']['SourceActivity'];
export type Statistics = components['schemas']['Statistics'];
export type Stream = components['schemas']['Stream'];
export type StreamConfig = components['schemas']['StreamConfig'];
export type StreamState = components['schemas']['StreamState'];
export type StreamStatus = components['schemas']['StreamStatus'];
export type Verdict = components['schemas']['Verdict'];
export type Window = components['schemas']['Window'];
export type $defs = Record<string, never>;
export type operations = Record<string, never>;

/** In rising order, with the `anomaly_score` from which on an anomaly is called so. */
export const SEVERITY_FROM: Readonly<Record<Severity, number>> = {"low":0,"medium":0.86,"high":0.875,"critical":0.885};
export const SEVERITIES: readonly Severity[] = ["low","medium","high","critical"];
