use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use willet_engine::codec::timestamp::rfc3339;
use willet_engine::event::Timestamp;
use willet_node::service::now;
use willet_store::{NewToken, Queries, SqliteStore, StoreOptions};

use crate::config;
use crate::problem::{note, user, warn};

/// Make, list and revoke tokens.
///
/// Works on the data folder, while the service runs and while it does not.
#[derive(Debug, Args)]
pub(crate) struct Token {
    #[command(subcommand)]
    verb: Verb,
    /// Configuration file (YAML).
    #[arg(long, value_name = "FILE", env = "WILLET_CONFIG", global = true)]
    config: Option<PathBuf>,
    /// Data folder, instead of the configured one.
    #[arg(long, value_name = "DIR", global = true)]
    data_dir: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a token and print it, this once.
    Create {
        /// A name for people.
        #[arg(long, default_value = "api")]
        name: String,
        /// From when on it is refused: 30m, 12h, 90d. Never where it is left out.
        #[arg(long, value_name = "TIME", value_parser = lifetime)]
        expires: Option<i64>,
    },
    /// List tokens; they themselves are not kept.
    List,
    /// Refuse a token from now on.
    Revoke {
        /// Its number in the list.
        id: i64,
    },
}

/// A time in microseconds, written as 30m, 12h, 90d.
fn lifetime(text: &str) -> Result<i64, String> {
    let wrong = || format!("{text} is not a time, expected 45s, 30m, 12h or 90d");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let number: i64 = text[..text.len() - unit.len_utf8()]
        .parse()
        .map_err(|_| wrong())?;
    (1..=36_500)
        .contains(&number)
        .then_some(number * seconds * 1_000_000)
        .ok_or_else(wrong)
}

impl Token {
    pub(crate) fn run(self) -> Result<ExitCode> {
        let (config, warnings) = config::load(self.config.as_deref(), std::env::vars())?;
        warnings.iter().for_each(warn);
        let folder = self.data_dir.unwrap_or(config.store.data_dir);
        if !folder.is_dir() {
            return Err(user(format!(
                "there is no data folder `{}` (--data-dir names it; `willet run` makes it)",
                folder.display()
            )));
        }
        let path = folder.join("store.sqlite");
        if !path.exists() {
            // Made here, so that there can be a token before the first start.
            drop(SqliteStore::open(&path, StoreOptions::default())?);
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let queries = Queries::open(&path).await?;
            let done = self.verb.run(&queries).await;
            queries.close().await;
            done
        })
    }
}

impl Verb {
    async fn run(self, queries: &Queries) -> Result<ExitCode> {
        let mut out = String::new();
        match self {
            Self::Create { name, expires } => {
                let token = random()?;
                let new = NewToken {
                    token: token.clone(),
                    name,
                    role: "admin".to_owned(),
                    created_at: now(),
                    expires_at: expires.map(|lifetime| now() + lifetime),
                };
                let id = queries.add_token(&new).await?;
                note(format!("token {id}, shown this once"));
                out.push_str(&token);
                out.push('\n');
            }
            Self::List => {
                let time = |at: Option<i64>| at.map_or("-".to_owned(), |at| rfc3339(Timestamp(at)));
                for token in queries.tokens().await? {
                    out.push_str(&format!(
                        "{}\t{}\t{}\tcreated {}\texpires {}\trevoked {}\n",
                        token.id,
                        token.name,
                        token.role,
                        time(Some(token.created_at)),
                        time(token.expires_at),
                        time(token.revoked_at)
                    ));
                }
            }
            Self::Revoke { id } => {
                if !queries.revoke_token(id, now()).await? {
                    return Err(user(format!(
                        "there is no token {id} that is not revoked (`willet token list` shows them)"
                    )));
                }
            }
        }
        Ok(super::print(out.as_bytes()))
    }
}

/// A token that nobody can guess: 256 bits of the system's randomness.
pub(crate) fn random() -> Result<String> {
    let mut bytes = [0_u8; 32];
    let mut filled = 0;
    while filled < bytes.len() {
        filled +=
            rustix::rand::getrandom(&mut bytes[filled..], rustix::rand::GetRandomFlags::empty())?;
    }
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("willet_{hex}"))
}
