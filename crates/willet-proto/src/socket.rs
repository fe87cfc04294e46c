use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::Code;

/// What a client says on the live socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Ask {
    /// Whether anybody is there: answered by `pong`.
    Ping,
    /// From now on other topics, or another key.
    Subscribe {
        /// Names of topics; those that everybody hears where there are none.
        #[serde(default)]
        topics: Vec<String>,
        /// Only of this key, and of keys that begin with it and a `/`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source: Option<String>,
    },
}

/// What the service says on the live socket, besides messages of topics.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Say {
    /// The first message, and the answer to `subscribe`.
    Welcome {
        /// Version of Willet.
        version: String,
        /// Where each topic stands.
        topics: BTreeMap<String, Position>,
    },
    /// The answer to `ping`.
    Pong,
    /// Messages of a topic were missed.
    Lost {
        /// The topic.
        topic: String,
        /// How many; null where nobody knows.
        count: Option<u64>,
        /// `slow`: the client was; `epoch`: the service was started anew.
        reason: String,
    },
    /// What the client said was not understood.
    Error {
        /// One of a closed list.
        #[schema(value_type = String)]
        code: Code,
        /// What came, what would be right.
        detail: String,
    },
}

/// Where a topic stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Position {
    /// Another one after each start.
    pub epoch: String,
    /// Number of its newest message.
    pub offset: u64,
}
