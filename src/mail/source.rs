//! The template files, built into the binary.

use std::collections::BTreeMap;

use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "email_templates/"]
struct Files;

/// The files of one mail.
#[derive(Clone, Debug, Default)]
pub(super) struct MailSource {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) mjml: String,
}

/// All template files: the mails by folder, the shared parts by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Source {
    pub(super) mails: BTreeMap<String, MailSource>,
    pub(super) text_parts: BTreeMap<String, String>,
    pub(super) mjml_parts: BTreeMap<String, String>,
}

impl Source {
    /// The files in the binary. Files with other names than templates have are passed over.
    pub(super) fn embedded() -> Self {
        let mut source = Self::default();
        for path in Files::iter() {
            let Some(file) = Files::get(&path) else { continue };
            source.add(&path, String::from_utf8_lossy(&file.data).into_owned());
        }
        source
    }

    /// Puts one file, named by its path inside the folder, where it belongs.
    pub(super) fn add(&mut self, path: &str, text: String) {
        match path.split_once('/') {
            None => {
                if let Some(name) = path.strip_suffix(".txt.hbs") {
                    self.text_parts.insert(name.to_owned(), text);
                } else if let Some(name) = path.strip_suffix(".mjml.hbs") {
                    self.mjml_parts.insert(name.to_owned(), text);
                }
            }
            Some((mail, file)) => {
                let mail = self.mails.entry(mail.to_owned()).or_default();
                match file {
                    "subject.txt.hbs" => mail.subject = text,
                    "body.txt.hbs" => mail.text = text,
                    "body.mjml.hbs" => mail.mjml = text,
                    _ => {}
                }
            }
        }
    }
}
