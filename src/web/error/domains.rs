//! What the domains refuse, as pages say it.

use std::time::Duration;

use super::WebError;
use crate::{
    articles::{ArticleError, BringArchiveError},
    bulk::BulkError,
    editions::MoveError,
    publishing,
    staff::{AccountError, SetUpError, SignInError},
    subscribers::{BringInError, SubscriberError},
    web::words::editions::state_label,
};

impl From<sqlx::Error> for WebError {
    fn from(error: sqlx::Error) -> Self {
        Self::internal(error)
    }
}

impl From<AccountError> for WebError {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Database(error) => error.into(),
            AccountError::NotFound => Self::NotFound,
            AccountError::TooMany(wait) => Self::TooMany(wait),
            AccountError::Busy(_) => Self::Busy,
            AccountError::Link => Self::ExpiredLink,
            other => Self::Conflict(other.to_string()),
        }
    }
}

impl From<SetUpError> for WebError {
    fn from(error: SetUpError) -> Self {
        match error {
            SetUpError::Database(error) => error.into(),
            // The same for a wrong token and a finished set-up: nobody learns which.
            SetUpError::Closed | SetUpError::Password(_) => Self::NotFound,
            SetUpError::Busy(_) => Self::Busy,
        }
    }
}

impl From<SignInError> for WebError {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Database(error) => error.into(),
            SignInError::TooMany(wait) => Self::TooMany(wait),
            SignInError::Busy(_) => Self::Busy,
            SignInError::Link | SignInError::Wrong => Self::ExpiredLink,
        }
    }
}

impl From<SubscriberError> for WebError {
    fn from(error: SubscriberError) -> Self {
        match error {
            SubscriberError::Link | SubscriberError::Expired => Self::ExpiredLink,
            SubscriberError::NotFound => Self::NotFound,
            SubscriberError::TooMany(wait) => Self::TooMany(wait),
            SubscriberError::Crowded => Self::TooMany(Duration::from_secs(3_600)),
            SubscriberError::Unwanted(_) => Self::BadRequest("The form does not take that address."),
            SubscriberError::Changed => Self::Conflict(
                "Since you opened the page, something else has stopped mail to this reader. Look at their page before you decide."
                    .into(),
            ),
            error => Self::internal(error),
        }
    }
}

impl From<BulkError> for WebError {
    fn from(error: BulkError) -> Self {
        match error {
            BulkError::Database(error) => error.into(),
            BulkError::TooMany | BulkError::Changed | BulkError::Gone => Self::Conflict(
                "It is otherwise since the page was shown. Open it anew, and look how it stands.".into(),
            ),
        }
    }
}

impl From<BringInError> for WebError {
    fn from(error: BringInError) -> Self {
        match error {
            BringInError::Database(error) => error.into(),
            BringInError::TooLarge => Self::TooLarge,
            BringInError::Changed => Self::Conflict(
                "It went on since you opened the page, or somebody else did something with it. Look at it again first."
                    .into(),
            ),
            BringInError::TooMany => Self::Conflict(
                "Too many lists wait to be gone on with. Put some of them away first, under Readers, Imports.".into(),
            ),
            BringInError::Empty | BringInError::NoBasis => Self::BadRequest("The form was not filled in."),
        }
    }
}

impl From<BringArchiveError> for WebError {
    fn from(error: BringArchiveError) -> Self {
        match error {
            BringArchiveError::Database(error) => error.into(),
            BringArchiveError::TooLarge => Self::TooLarge,
            BringArchiveError::Changed => Self::Conflict(
                "It went on since you opened the page, or somebody else did something with it. Look at it again first."
                    .into(),
            ),
            BringArchiveError::TooMany => Self::Conflict(
                "Too many files wait to be gone on with. Put some of them away first, under Articles, Bring in what you have."
                    .into(),
            ),
            BringArchiveError::Empty | BringArchiveError::Archive(_) => {
                Self::BadRequest("The file cannot be read. Choose it again.")
            }
        }
    }
}

impl From<ArticleError> for WebError {
    fn from(error: ArticleError) -> Self {
        match error {
            ArticleError::NotFound => Self::NotFound,
            ArticleError::Changed => Self::Conflict(
                "Somebody else changed the article meanwhile. Open it again and look at it first.".into(),
            ),
            ArticleError::Invalid(_) => Self::BadRequest("The article cannot be saved as it is."),
            ArticleError::Database(error) => error.into(),
        }
    }
}

impl From<publishing::Error> for WebError {
    fn from(error: publishing::Error) -> Self {
        use publishing::Error;
        match error {
            Error::NotFound | Error::Move(MoveError::NotFound) => Self::NotFound,
            Error::Locked => Self::Conflict(
                "The edition is on its way already, so nothing in it can be changed. Begin a new one to say more.".into(),
            ),
            Error::Changed => Self::Conflict(
                "Somebody else saved this edition meanwhile. Go back to the draft and look at it again first.".into(),
            ),
            Error::NotAsSeen => {
                Self::Conflict("It changed since you looked at it. Look at it again first.".into())
            }
            Error::NotApproved => Self::Conflict(
                "Two people approve each edition here, and nobody else has asked for it as it is now. Ask for approval, and somebody else sends it.".into(),
            ),
            Error::TooManyTests(wait) => Self::TooMany(wait),
            Error::EnoughAddresses => {
                Self::Conflict("As many addresses are kept as there may be. Take one away first.".into())
            }
            Error::RhythmWaits => Self::Conflict(
                "An edition for some of its readers waits to go out. Let it go out, or take Send back, first.".into(),
            ),
            Error::TooFar => Self::Conflict("That moment is more than a year away. Choose an earlier one.".into()),
            Error::Past => Self::Conflict("That moment is over. Choose a later one.".into()),
            Error::AlreadyPressed => {
                Self::Conflict("Somebody else already pressed Send. It goes out once, not twice.".into())
            }
            Error::StillLeaving => Self::Conflict(
                "A few copies of the old version are leaving at this very moment. Try again in a minute.".into(),
            ),
            Error::Doubtful => Self::Conflict(
                "Nothing goes out before an owner has said what this database is. The line on top of every page leads there.".into(),
            ),
            Error::Segment(why) => Self::Conflict(why),
            Error::TooLate => Self::Conflict("It is too late to undo: the edition is on its way.".into()),
            Error::Move(MoveError::WrongState(state)) => Self::Conflict(format!(
                "That is not possible now. The edition is: {}.",
                state_label(state).to_lowercase()
            )),
            Error::Move(MoveError::Retired) => Self::Conflict(
                "Its list was retired, so nothing goes to it. Bring the list back first, under Lists.".into(),
            ),
            Error::NotReady(problems) => {
                let problems = problems.iter().filter(|problem| problem.is_in_the_way());
                let words: Vec<String> = problems.map(ToString::to_string).collect();
                Self::Conflict(format!("The edition is not ready to be sent. {}", words.join(" ")))
            }
            other => Self::internal(other),
        }
    }
}
