//! What a receiver checks: who sent it, that nobody changed it, and that it has not come before.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// `webhook-id` of a notification: the same on every attempt. A digest, because the signed text is joined by full stops
/// and names of streams may have some.
pub fn webhook_id(notification_id: &str) -> String {
    let digest = Sha256::digest(notification_id.as_bytes());
    let digits = digest.iter().take(16).map(|byte| format!("{byte:02x}"));
    format!("msg_{}", digits.collect::<String>())
}

/// `webhook-signature`: `v1,` and Base64 of HMAC-SHA256 over `id.timestamp.body`; `timestamp` in seconds.
pub fn sign(secret: &[u8], id: &str, timestamp: i64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("any length of key will do");
    for part in [id, ".", &timestamp.to_string(), ".", body] {
        mac.update(part.as_bytes());
    }
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}
