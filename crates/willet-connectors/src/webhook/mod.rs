//! Notifications to other systems over HTTP, signed as the [Standard Webhooks](https://www.standardwebhooks.com) have it.
//!
//! A receiver gets each notification at least once, under the same `webhook-id` on every attempt; what it answers within the
//! time-out decides: 2xx is delivered, 408, 425, 429, 5xx and silence are tried again, all else is refused for good.
//! Redirects are not followed. [`WebhookSender`] makes one attempt; [`next_step`] and [`Receiver`] say what follows from it,
//! without a clock and without I/O, so that whoever drives them does the waiting.

mod config;
mod schedule;
mod sender;
mod signature;

pub use config::{Webhook, WebhookConfig, WebhookConfigError};
pub use schedule::{DELIVERY_SECONDS, NextStep, Receiver, next_step};
pub use sender::{Outcome, SenderError, WebhookSender};
pub use signature::{sign, webhook_id};

use crate::{Connector, Direction};

pub(crate) const CONNECTOR: Connector = Connector {
    name: "webhook",
    direction: Direction::Output,
    summary: "notifications over HTTP, signed and tried again until they are taken",
    source: None,
};

#[cfg(test)]
mod tests;
