//! Pages for readers and supporters. They work without JavaScript and never look at a staff cookie.

pub(super) mod donate;
pub(super) mod giving;
pub(super) mod thanks;
