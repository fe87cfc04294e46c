//! The document that is checked in is the one that the handlers make.

#[test]
fn the_checked_in_document_is_true() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../protocol/openapi.json");
    let kept = std::fs::read_to_string(path).expect("protocol/openapi.json is checked in");
    assert!(
        kept == willet_server::document(),
        "protocol/openapi.json is not what the handlers make (make gen writes it anew)"
    );
}
