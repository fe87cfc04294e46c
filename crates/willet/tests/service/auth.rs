//! Beyond loopback nobody comes in without a token.

use crate::kills::eventually;
use crate::service::client::Service;
use crate::tool::{folder, refused, stdout};

#[test]
fn beyond_loopback_a_token_is_needed_and_the_first_start_makes_one() {
    let folder = folder();
    let service = Service::launch(folder.path(), &["--host", "0.0.0.0"]);
    let token = {
        let said = service.said();
        let at = said.find("willet_").expect("a token is shown");
        said[at..].split_whitespace().next().expect("it").to_owned()
    };
    assert_eq!(service.get("/health").status, 200);
    assert_eq!(service.get("/").status, 200);
    eventually(|| service.get("/readyz").status == 200);
    let asked = |token: &str| {
        let bearer = format!("Bearer {token}");
        service.send("GET", "/api/statistics", &[("authorization", &bearer)], b"")
    };
    let refusal = service.get("/api/statistics");
    assert!(
        refusal
            .head
            .to_lowercase()
            .contains("www-authenticate: bearer")
    );
    refusal.problem(401, "unauthorized", "willet token create");
    for path in ["/metrics", "/api/anomalies", "/api/v1/streams"] {
        service.get(path).problem(401, "unauthorized", "no token");
    }
    asked("willet_0000").problem(401, "unauthorized", "wrong");
    asked(&token).ok(200);

    let short = stdout(
        folder.path(),
        &["token", "create", "--expires", "1s", "--data-dir", "data"],
    );
    asked(short.trim()).ok(200);
    eventually(|| asked(short.trim()).status == 401);
    let listed = stdout(folder.path(), &["token", "list", "--data-dir", "data"]);
    assert!(
        listed.starts_with("1\tadmin") && !listed.contains(&token),
        "{listed}"
    );
    stdout(
        folder.path(),
        &["token", "revoke", "1", "--data-dir", "data"],
    );
    asked(&token).problem(401, "unauthorized", "revoked");
    refused(
        folder.path(),
        &["token", "revoke", "1", "--data-dir", "data"],
        2,
        "token list",
    );
    refused(
        folder.path(),
        &["token", "create", "--expires", "soon", "--data-dir", "data"],
        2,
        "12h",
    );
    assert_eq!(service.stop(), Some(0));

    let again = Service::launch(folder.path(), &["--host", "0.0.0.0"]);
    assert!(!again.said().contains("admin token"), "{}", again.said());
}
