//! The table of settings: a line each.

use super::{
    checks::{self, Checked, number, text, wanted},
    words::{ArticlesAt, Beside, Word},
};
use crate::{
    clock::Zone,
    mail,
    money::{self, GiftLimits},
};

/// One of them.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// What it is called, in its row and in forms.
    pub name: &'static str,
    /// What a person calls it.
    pub label: &'static str,
    /// As it stands in its row.
    pub(super) written: fn(&Settings) -> String,
    /// Takes it from its row; what we cannot read stays as it was.
    pub(super) read: fn(&mut Settings, &str),
    /// As a person types it.
    pub typed: fn(&Settings) -> String,
    /// Takes what a person typed, or says what is wrong with it.
    take: fn(&mut Settings, &str) -> Checked<()>,
}

/// `name: type = default, "label", check;`
macro_rules! settings {
    ($($(#[doc = $doc:literal])* $name:ident: $kind:ty = $default:expr, $label:literal, $check:expr;)*) => {
        /// All of them, with what is in force or the default.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Settings {
            $($(#[doc = $doc])* pub $name: $kind,)*
        }

        impl Default for Settings {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        /// Every setting, in the order of the page.
        pub const ALL: &[Setting] = &[$(Setting {
            name: stringify!($name),
            label: $label,
            written: |all| all.$name.written(),
            read: |all, word| all.$name = Word::read(word).unwrap_or_else(|| all.$name.clone()),
            typed: |all| all.$name.typed(&all.beside()),
            take: |all, text| {
                let checked = $check(text, &all.beside());
                put(&mut all.$name, checked)
            },
        },)*];
    };
}

settings! {
    /// What readers call the magazine.
    magazine_name: String = "Our magazine".to_owned(), "Name", wanted(100, "Enter the name of the magazine.");
    /// A line under the name on the public pages; may be empty.
    tagline: String = String::new(), "A line under the name", text(200);
    /// Where the magazine's clocks are: the desk and editions show days and times there, and editions are planned there.
    time_zone: Zone = Zone::UTC, "Time zone", checks::zone;
    /// Where articles live.
    articles_at: ArticlesAt = ArticlesAt::Here, "Where articles live", checks::place;
    /// The magazine's existing site; may stay when articles live here.
    external_site_url: String = String::new(), "Address of the site you already have", checks::site;
    /// What the articles are written in, as browsers name it (BCP 47): for hyphens, screen readers and programs.
    language: String = "en".to_owned(), "Language of your articles", checks::language;
    /// Words a minute, for reading times.
    reading_speed: i64 = 275, "Reading speed",
        number(50..=1_000, ("Enter a number of words, such as 275.", "Enter a number from 50 to 1,000."));
    /// Who sends the mail, by law.
    legal_name: String = String::new(), "Legal name", wanted(200, "Enter the legal name: mail law asks for it.");
    /// The postal address under every edition, lines separated by newlines.
    postal_address: String = String::new(), "Postal address",
        wanted(500, "Enter a postal address: mail law asks for it.");
    /// Where readers can write to.
    contact_email: String = String::new(), "Email address for readers", checks::email_wanted;
    /// The name in the From header; the magazine's when empty.
    from_name: String = String::new(), "Sender’s name", text(100);
    /// The address in the From header; the contact address when empty.
    from_email: String = String::new(), "Sender’s address", checks::email;
    /// How readers are greeted over the words that an edition begins with; fields may stand in it.
    greeting: String = mail::GREETING.to_owned(), "Greeting", checks::greeting;
    /// An edition that comes up later than this many hours is held back and staff are asked.
    late_hours: i64 = 6, "Hours after which an edition is too late",
        number(1..=168, ("Enter a number of hours, such as 6.", "Enter a number from 1 to 168."));
    /// Whether an edition goes out only after two people have approved it.
    four_eyes: bool = false, "Two people for each edition", checks::yes_or_no;
    /// Whether somebody who leaves by the page, by one click or by a mail of their mail program gets a letter of good-bye.
    says_good_bye: bool = false, "Letter of good-bye", checks::yes_or_no;
    /// Domains that the form takes no addresses of, a line each.
    blocked_domains: String = String::new(), "Domains that cannot subscribe", checks::domains;
    /// Whether addresses that are made to be thrown away are refused.
    refuse_disposable: bool = false, "Addresses to throw away", checks::yes_or_no;
    /// For so many months it is kept from which internet address and browser somebody agreed; 0 is for ever, until the owner says
    /// otherwise: what is forgotten is gone as proof.
    keep_traces_months: i64 = 0, "Months for which it is kept where a sign-up came from",
        number(0..=240, ("Enter a number of months, such as 24.", "Enter a number from 0 to 240."));
    /// For so many months after somebody bought or gave they may be mailed, where the law takes that for consent (Canada's CASL: 24); 0
    /// is without end. It holds for whom the team brings in from then on: each reader keeps the day that it came to.
    implied_consent_months: i64 = 24, "Months for which implied consent lasts",
        number(0..=240, ("Enter a number of months, such as 24.", "Enter a number from 0 to 240."));
    /// ISO 4217 code that gifts are taken in.
    currency: String = "EUR".to_owned(), "Currency", checks::currency;
    /// Amounts offered on the donation page, in minor units.
    suggested_amounts: Vec<i64> = vec![500, 1_000, 2_500, 5_000], "Suggested amounts", checks::amounts;
    /// The smallest gift taken, in minor units; what is sensible in the currency without one.
    gift_least: Option<i64> = None, "Smallest gift", checks::least;
    /// The largest gift taken, in minor units; what is sensible in the currency without one.
    gift_most: Option<i64> = None, "Largest gift", checks::most;
    /// The heading over the appeal under articles and in editions.
    appeal_heading: String = "Readers keep us going".to_owned(), "Heading of the appeal",
        checks::with_fields(wanted(120, "Enter a heading for the appeal."));
    /// The appeal itself.
    appeal_text: String = "We carry no advertising and no paywall. If our work is worth something to you, give what you can."
        .to_owned(), "The appeal", checks::with_fields(wanted(1_000, "Say why readers should give."));
    /// The line over the buttons under the appeal of an article; may be empty.
    giving_line: String = "One-off or regular donations can be made securely here.".to_owned(),
        "The line over the buttons to give", text(200);
    /// Whether large editions go out though the DNS proves too little (TRUST M27): an owner knows better.
    send_unproven: bool = false, "Large editions without proof", checks::yes_or_no;
}

fn put<T: Default>(field: &mut T, checked: Checked<T>) -> Checked<()> {
    // Nothing that depends on it is judged by what it was before.
    let (value, done) = checked.map_or_else(|wrong| (T::default(), Err(wrong)), |value| (value, Ok(())));
    *field = value;
    done
}

impl Settings {
    /// Takes what a person typed for those settings that `typed` knows by name, and says what is wrong with which. Then none of
    /// it may be kept.
    pub fn take<'a>(
        &mut self,
        typed: impl Fn(&'static str) -> Option<&'a str>,
    ) -> Vec<(&'static str, String)> {
        let mut mistakes = Vec::new();
        // Twice: what one may be depends on others, also on those behind it.
        for _ in 0..2 {
            mistakes.clear();
            for Setting { name, take, .. } in ALL {
                let taken = typed(name).map_or(Ok(()), |text| take(self, text));
                mistakes.extend(taken.err().map(|wrong| (*name, wrong)));
            }
        }
        mistakes
    }

    /// The least and the most that a gift may be: what the magazine decided, else what is sensible in its currency. None where no
    /// gifts can be taken in that.
    #[must_use]
    pub fn gift_limits(&self) -> Option<GiftLimits> {
        self.beside().limits()
    }

    fn beside(&self) -> Beside {
        Beside {
            articles_at: self.articles_at,
            currency: money::currency(&self.currency),
            gift_least: self.gift_least,
            gift_most: self.gift_most,
        }
    }
}
