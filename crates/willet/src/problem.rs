//! How errors reach the user: one line, the causes behind it, and an exit code that says whose fault it is.

use std::process::ExitCode;

use owo_colors::OwoColorize as _;

/// Exit code of the user's mistakes.
const USER: u8 = 2;
/// Exit code of ours.
const OURS: u8 = 1;

/// A mistake of the user, said whole in its text.
#[derive(Debug)]
pub(crate) struct UserError(pub(crate) String);

impl std::fmt::Display for UserError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UserError {}

/// Makes a mistake of the user out of anything that says what it is.
pub(crate) fn user(error: impl std::fmt::Display) -> anyhow::Error {
    UserError(error.to_string()).into()
}

/// Prints an error with its causes and gives the exit code.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    let mut text = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !text.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    anstream::eprintln!("{} {text}", "error:".red().bold());
    ExitCode::from(if is_user_error(error) { USER } else { OURS })
}

fn is_user_error(error: &anyhow::Error) -> bool {
    use willet_connectors::{SinkError, SourceError};
    use willet_engine::ports::PortError;
    use willet_log::{FolderError, LogError};
    use willet_node::driver::OpenError;
    use willet_node::feed::FeedError;
    use willet_node::worker::WorkerError;
    error.chain().any(|cause| {
        cause.is::<UserError>()
            || cause.is::<FolderError>()
            || cause
                .downcast_ref::<SourceError>()
                .is_some_and(SourceError::is_user_error)
            || cause
                .downcast_ref::<FeedError>()
                .is_some_and(FeedError::is_user_error)
            || cause
                .downcast_ref::<SinkError>()
                .is_some_and(SinkError::is_user_error)
            || cause
                .downcast_ref::<LogError>()
                .is_some_and(LogError::is_user_error)
            || cause
                .downcast_ref::<PortError>()
                .is_some_and(PortError::is_user_error)
            || matches!(cause.downcast_ref(), Some(OpenError::OtherSettings { .. }))
            || matches!(cause.downcast_ref(), Some(WorkerError::OutputLost { .. }))
    })
}

/// Prints something worth knowing that stops nothing.
pub(crate) fn warn(text: impl std::fmt::Display) {
    anstream::eprintln!("{} {text}", "warning:".yellow().bold());
}

/// Prints a remark.
pub(crate) fn note(text: impl std::fmt::Display) {
    anstream::eprintln!("{} {text}", "note:".cyan());
}
