use crate::tool::{command, folder, refused, run, spike, stdout, write};

const GUIDE: &str = include_str!("../../../config/config.yaml");
const FULL: &str = include_str!("../../../config/willet.yaml");

#[test]
fn the_pipeline_guides_configuration_loads_as_written_and_run_says_what_is_missing() {
    let folder = folder();
    write(folder.path(), "config.yaml", GUIDE);
    assert_eq!(
        stdout(folder.path(), &["config", "check", "config.yaml"]),
        "ok\n"
    );
    refused(
        folder.path(),
        &["run", "--config", "config.yaml"],
        2,
        "Kafka is not in this build",
    );
    write(folder.path(), "pump.csv", spike(400, 380));
    let out = stdout(
        folder.path(),
        &[
            "detect",
            "pump.csv",
            "--config",
            "config.yaml",
            "--format",
            "ndjson",
        ],
    );
    let last: serde_json::Value =
        serde_json::from_str(out.lines().last().expect("rows")).expect("JSON");
    assert_eq!(last["algorithm"], "ensemble");
    assert!((last["threshold"].as_f64().expect("a number") - 0.8).abs() < 1e-12);
}

#[test]
fn the_full_example_loads_and_is_shown_with_environment_over_it() {
    let folder = folder();
    write(folder.path(), "willet.yaml", FULL);
    let mut show = command(folder.path(), &["config", "show", "willet.yaml"]);
    let output = show
        .env("WILLET_STORE__DATA_DIR", "/data")
        .env("STREAMING_WEBSOCKET__PORT", "9999")
        .output()
        .expect("starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.contains("data_dir: /data") && text.contains("port: 9999"),
        "{text}"
    );
    write(folder.path(), "shown.yaml", text.as_bytes());
    assert_eq!(
        stdout(folder.path(), &["config", "check", "shown.yaml"]),
        "ok\n"
    );
}

#[test]
fn mistakes_are_told_with_line_and_nearest_name() {
    let folder = folder();
    let check = |text: &str, words: &str| {
        write(folder.path(), "c.yaml", text);
        refused(folder.path(), &["config", "check", "c.yaml"], 2, words);
    };
    check("store:\n  data_dri: x\n", "c.yaml:2");
    check("store:\n  data_dri: x\n", "did you mean `data_dir`?");
    check("steams: []\n", "did you mean `streams`?");
    check(
        "streams:\n  - {name: a, detector: {algorithm: ifrest}}\n",
        "did you mean `iforest`?",
    );
    check(
        "streams:\n  - {name: a, detector: {algorithm: hst, depht: 3}}\n",
        "did you mean `depth`?",
    );
    check(
        "streams:\n  - {name: a, decision: {contamination: 5}}\n",
        "contamination is 5, expected a rate above 0 and below 0.5",
    );
    check(
        "streams:\n  - {name: a}\n  - {name: a}\n",
        "two streams are called `a`",
    );
    check("store: [1, 2\n", "c.yaml:");
    refused(
        folder.path(),
        &["config", "check", "nowhere.yaml"],
        2,
        "nowhere.yaml",
    );
}

#[test]
fn an_unknown_variable_is_only_a_warning() {
    let folder = folder();
    let output = command(folder.path(), &["config", "check"])
        .env("WILLET_STOER__DATA_DIR", "x")
        .output()
        .expect("starts");
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("did you mean `store`?"));
    let output = command(folder.path(), &["config", "check"])
        .env("WILLET_STORE__LOG_BYTES", "many")
        .output()
        .expect("starts");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("WILLET_STORE__LOG_BYTES"));
}

#[test]
fn completions_and_schema_are_printed() {
    let folder = folder();
    for shell in ["bash", "zsh", "fish"] {
        assert!(
            stdout(folder.path(), &["completions", shell]).contains("willet"),
            "{shell}"
        );
    }
    let schema: serde_json::Value =
        serde_json::from_str(&stdout(folder.path(), &["config", "schema"])).expect("JSON");
    assert_eq!(schema["properties"]["store"]["type"], "object");
    assert!(!run(folder.path(), &["nonsense"]).status.success());
}
