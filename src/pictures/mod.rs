//! Pictures that the team brings: read, cleaned, made in the sizes that mails and pages want, kept once, and given back for ever.
//!
//! The rules: what is kept was decoded and written anew, so that nothing of the file that somebody sent is left but what is seen of
//! it (no place, no camera, no second file hidden behind it: TRUST A6); the way it is to be held is applied; nothing is made larger
//! than it was. A picture is called by a hash of what was sent, so that sending it twice keeps it once. What an edition may hold is
//! never deleted: a picture is only put away.
//!
//! It may call the small types and the log; articles and the web call it. Start reading at `read.rs`.

mod keep;
mod read;
mod store;

pub use self::{
    keep::{
        AboutPicture, KeptPicture, Picture, PictureError, PictureFile, about, at, copied_from, describe,
        keep, latest, put_away, served,
    },
    read::{LARGEST_PICTURE, MOST_PIXELS, UnreadablePicture, WIDTHS},
    store::STATEMENTS,
};
