//! Several kinds on one file: figures, the page, wrong input.

use crate::tool::{folder, refused, run, spike, stdout, write};

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn a_spike_is_found_by_each_kind_and_the_figures_are_those_of_evaluate() {
    let folder = folder();
    write(folder.path(), "pump.csv", spike(600, 500));
    let found = json(&stdout(
        folder.path(),
        &[
            "compare",
            "pump.csv",
            "-a",
            "zscore,iforest",
            "--format",
            "json",
        ],
    ));
    let found = found.as_array().expect("one for each");
    assert_eq!(found.len(), 2);
    for one in found {
        // 15 % of 600 rows are probation.
        assert_eq!(
            (&one["rows"], &one["positives"], &one["windows"]),
            (&510.into(), &1.into(), &1.into()),
            "{one}"
        );
        assert_eq!(
            (&one["roc_auc"], &one["nab"]),
            (&1.0.into(), &100.0.into()),
            "{one}"
        );
        assert!(one["vus_pr"].as_f64().expect("a number") > 0.1, "{one}");
        assert!(
            one["micros_a_row"].as_f64().expect("a number") > 0.0,
            "{one}"
        );
        assert!(
            one["memory_bytes"].as_u64().expect("a number") > 500,
            "{one}"
        );
        assert!(
            one["alerts_per_1000_rows"].is_null() && one["alerts_a_day"].is_number(),
            "{one}"
        );
    }
    let same = json(&stdout(
        folder.path(),
        &[
            "evaluate",
            "pump.csv",
            "-a",
            "iforest",
            "--format",
            "json",
            "--probation",
            "90",
        ],
    ));
    for name in ["rows", "positives", "roc_auc", "average_precision"] {
        assert_eq!(same[name], found[1][name], "{name}");
    }
}

#[test]
fn what_auto_chose_is_told_and_each_form_has_a_line_for_each_kind() {
    let folder = folder();
    write(folder.path(), "pump.csv", spike(600, 500));
    let text = stdout(folder.path(), &["compare", "pump.csv"]);
    assert!(
        text.starts_with("600 rows, 90 of probation; 1 anomaly behind it, in 1 labelled window\n"),
        "{text}"
    );
    assert!(
        text.contains("VUS-PR") && text.contains("\nauto: "),
        "{text}"
    );
    let csv = stdout(
        folder.path(),
        &[
            "compare",
            "pump.csv",
            "-a",
            "zscore,ewma,mad",
            "--format",
            "csv",
        ],
    );
    let names: Vec<&str> = csv
        .lines()
        .filter_map(|line| line.split(',').next())
        .collect();
    assert_eq!(names, ["algorithm", "zscore", "ewma", "mad"]);
}

#[test]
fn keys_are_learned_and_measured_on_their_own() {
    let folder = folder();
    let rows = |key: &str, at| spike(400, at).replace("pump-7", key);
    let mut lines: Vec<String> = rows("a", 300).lines().map(str::to_owned).collect();
    lines.extend(rows("b", 350).lines().skip(1).map(str::to_owned));
    write(folder.path(), "two.csv", lines.join("\n"));
    let found = json(&stdout(
        folder.path(),
        &["compare", "two.csv", "-a", "zscore", "--format", "json"],
    ));
    let (one, of_two) = (&found[0], 2 * (400 - 60));
    assert_eq!(
        (&one["rows"], &one["windows"], &one["nab"]),
        (&of_two.into(), &2.into(), &100.0.into()),
        "{one}"
    );
}

#[test]
fn without_labels_and_times_it_says_rates_and_cost_only() {
    let folder = folder();
    let rows: String = (0..300).map(|row| format!("{}\n", row * 37 % 11)).collect();
    write(folder.path(), "bare.csv", format!("x\n{rows}"));
    let arguments = ["compare", "bare.csv", "-a", "zscore", "--format", "json"];
    let output = run(folder.path(), &arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains("no row has a label"),
        "{said}"
    );
    let one = &json(&String::from_utf8_lossy(&output.stdout))[0];
    for name in [
        "roc_auc",
        "average_precision",
        "vus_pr",
        "nab",
        "alerts_a_day",
    ] {
        assert!(one[name].is_null(), "{name} in {one}");
    }
    assert!(
        one["alerts_per_1000_rows"].is_number() && one["flagged"].is_number(),
        "{one}"
    );
}

#[test]
fn the_page_is_one_small_file_that_loads_nothing_and_keeps_names_in_their_place() {
    let folder = folder();
    let mut text = String::from("timestamp,label,</script><b>x\n");
    for row in 0..30_000 {
        text.push_str(&format!(
            "{},{},{}\n",
            1_767_225_600 + row * 60,
            u8::from(row == 20_000),
            row * 37 % 101
        ));
    }
    write(folder.path(), "long.csv", text);
    let out = stdout(
        folder.path(),
        &[
            "compare",
            "long.csv",
            "-a",
            "zscore,hst",
            "--html",
            "out.html",
        ],
    );
    assert!(out.contains("hst"), "{out}");
    let page = std::fs::read_to_string(folder.path().join("out.html")).expect("the page");
    assert!(page.len() < 400_000, "{} bytes", page.len());
    assert_eq!(page.matches("</script>").count(), 1);
    assert!(page.contains("\\u003c/script>\\u003cb>x"));
    assert!(!page.contains("http"), "nothing from elsewhere");
    assert!(page.contains("\"rows\":30000") && page.contains("\"points\":2000"));
}

#[test]
fn wrong_input_is_refused_with_a_way_out() {
    let folder = folder();
    write(folder.path(), "empty.csv", "");
    write(folder.path(), "head.csv", "x,label\n");
    write(folder.path(), "good.csv", spike(50, 40));
    let check = |arguments: &[&str], words: &str| {
        let arguments: Vec<&str> = [&["compare"], arguments].concat();
        refused(folder.path(), &arguments, 2, words);
    };
    check(&["nowhere.csv"], "no file `nowhere.csv`");
    check(&["empty.csv"], "is empty");
    check(&["head.csv"], "no column holds numbers only");
    check(
        &["good.csv", "-a", "zscore,ifrest"],
        "did you mean `iforest`?",
    );
    check(&["good.csv", "--label", "lable"], "did you mean label?");
    check(&["good.csv", "-c", "valeu"], "did you mean value?");
    check(
        &["good.csv", "--probation", "50"],
        "--probation 0 counts all",
    );
    check(
        &["good.csv", "--html", "no/such/folder/out.html"],
        "cannot write `no/such/folder/out.html`",
    );
}
