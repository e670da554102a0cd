//! Mail: templates, MJML, compiling a digest into segments, messages and their headers.
//!
//! The rule: nothing leaves this room that could break a message open. Values are rendered once and never read as a
//! template again, every header value is checked before it is written, and every body is quoted-printable with no line
//! that starts with a dot, so that the same bytes go into DATA, into BDAT and under a DKIM signature.
//!
//! A **notice** (one automatic mail) takes the short way: [`Templates::render`], then [`notice_message`]. A **digest**
//! is compiled once for all who get the same version ([`compile`]), stored as bytes, and each copy is then
//! [`EditionHeaders::write`] followed by [`Compiled::write_body`].
//!
//! It calls the database and the small types alone; whoever has something to say hands it in. Start reading at `contexts.rs` for automatic emails, at `compile.rs` for
//! editions.

mod address;
mod compile;
mod contexts;
mod digest;
mod dkim;
mod encode;
mod fields;
mod html;
mod includes;
mod letter;
mod lint;
mod message;
mod mime;
mod personal;
mod quoted_printable;
mod segments;
mod source;
mod templates;

pub use compile::{CompileError, compile, render_full};
pub use contexts::{
    AddressChangeNew, AddressChangeOld, AddressChanged, AddressIsKnown, AddressTakenBack, AlreadyReader,
    CardExpiring, ChoicesLink, ConfirmSubscription, CopiesCameBack, CopyOfData, DebitRevoked, EditionHeld,
    EditionPaused, EmailTemplate, EraseRequest, FormClosed, GiftFailed, GiftReturned, GiftsLink,
    GiftsStatement, GoodBye, JobStopped, MoneyNews, MonthlyChanged, MonthlyNotEnded, NewGiftAddress,
    NothingTaken, OF_MONEY, OF_THE_TEAM, Paused, PaymentAction, PaymentFailed, PaymentFailedAgain, Receipt,
    RecurringCancelled, Sender, SignInLink, SignInRefused, SomethingWrong, StatedGift, TeamInvite, Welcome,
    Welcomed, WorkGivenUp, YearlyNotice,
};
pub use digest::{Appeal, ArticleBlock, Button, DigestBlock, DigestContext, Image, TestCopy, laid_out};
pub use dkim::{Algorithm, KeyError, Signer, generate as generate_key, sign_all, zone_file_strings};
pub use fields::{
    FieldMistake, GREETING, MailField, check_fields, check_none, named as field_named,
    to_everybody as fields_to_everybody, written as fields_written,
};
pub use html::HtmlError;
pub use letter::{LetterBlock, Run, check_letter, letter};
pub use lint::LintProblem;
pub use message::{
    BulkHeaders, CopyHeaders, EditionHeaders, FeedbackId, HeaderError, Mailbox, NoticeHeaders, notice_message,
};
pub use personal::{Personal, PersonalField, SeenParts, clean_name, is_invisible};
pub use segments::{Compiled, CompiledFormatError};
pub use templates::{Rendered, TemplateError, Templates};
