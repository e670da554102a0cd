//! Pages for readers and supporters. They work without JavaScript and never look at a staff cookie.

pub(super) mod archive;
pub(super) mod article;
mod ask;
mod caller;
pub(super) mod choices;
pub(super) mod confirm;
mod dead_link;
pub(super) mod donate;
mod donate_held;
pub(super) mod forget_me;
mod gave;
pub(super) mod giving;
pub(super) mod home;
pub(super) mod moving;
pub(super) mod picture;
pub(super) mod preferences;
pub(super) mod sample_link;
pub(super) mod sign_up;
mod story;
pub(super) mod subscribe;
pub(super) mod supporter;
pub(super) mod thanks;
mod told;
pub(super) mod unsubscribe;
pub(super) mod view;
pub(super) mod your_data;
