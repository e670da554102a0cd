//! Pages for readers and supporters. They work without JavaScript and never look at a staff cookie.
