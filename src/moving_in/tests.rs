//! Files in the shape of other programs' exports, with the sad rows.

use super::*;

fn look(file: &str) -> Survey {
    survey(&file.as_bytes(), &ImportChoices::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// A file that is called so.
struct Named(&'static str, String);

impl TableSource for Named {
    fn open(&self) -> std::io::Result<Box<dyn std::io::Read + Send>> {
        Ok(Box::new(std::io::Cursor::new(self.1.clone().into_bytes())))
    }

    fn name(&self) -> String {
        self.0.to_owned()
    }
}

/// How each row stands, or why it is not taken.
fn stand(file: &str) -> Vec<String> {
    // Mailchimp says it by the name of the file.
    let file = Named("subscribed_members.csv", file.to_owned());
    let seen = survey(&file, &ImportChoices::default()).unwrap_or_else(|error| panic!("{error}"));
    let file = file.1.as_str();
    assert!(seen.unsaid.is_empty(), "{:?}", seen.unsaid);
    states(file, &seen.mapping)
}

fn states(file: &str, mapping: &Mapping) -> Vec<String> {
    let mut rows = rows(&file.as_bytes(), mapping).unwrap_or_else(|error| panic!("{error}"));
    let mut all = Vec::new();
    while let Some(row) = rows.read().unwrap_or_else(|error| panic!("{error}")) {
        all.push(match row.entry {
            Ok(entry) => format!("{} {}", entry.email, entry.state),
            Err(why) => why,
        });
    }
    all
}

/// TRUST L6: each program is known by its headings, and who left, bounced or complained there stands so.
#[test]
fn programs_are_known_by_their_headings() {
    for (preset, file, expected) in [
        (
            Preset::Ghost,
            "id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,created_at,deleted_at,labels,tiers\n\
            1,ann@example.org,Ann Lee,,true,false,,2023-01-01T00:00:00.000Z,,\"Bristol, UK\",\n\
            2,gone@example.org,Gone,asked to leave,false,false,,2023-01-01T00:00:00.000Z,,,\n\
            3,del@example.org,Deleted,,true,false,,2023-01-01T00:00:00.000Z,2024-01-01T00:00:00.000Z,,\n",
            &["on-list", "left", "left"][..],
        ),
        (
            Preset::Substack,
            "email,active_subscription,expiry,plan,email_disabled,created_at,first_payment_at\n\
            ann@example.org,false,,other,false,2024-01-15T10:00:00.000Z,\n\
            gone@example.org,true,,other,true,2024-01-15T10:00:00.000Z,\n",
            &["on-list", "left"],
        ),
        (
            Preset::Substack,
            "Email,Name,Stripe plan,Cancel date,Start date,Paid upgrade date,Emails received (6mo),Emails opened (30d),Days active (30d),Activity,Country,State/Province,Subscription source (free),Subscription source (paid),Type,Sections\n\
            ann@example.org,Ann,,,2024-01-15T10:00:00.000Z,,3,2,1,4,UK,,direct,,Free,\n\
            gone@example.org,Gone,,2024-02-15T10:00:00.000Z,2024-01-15T10:00:00.000Z,,3,2,1,4,UK,,direct,,Free,\n",
            &["on-list", "left"],
        ),
        (
            Preset::Substack,
            "Email,Name,Subscription type,Activity,Subscription date,Revenue,Comments (all time),Subscriber country,Email receives (last 6 months),Expires at,Subscription source (free),First payment at,Paid upgrade date,Cancel date,Is Bestseller\n\
            ann@example.org,Ann,Free,4,2024-01-15T10:00:00.000Z,0,1,UK,3,,direct,,,,false\n\
            gone@example.org,Gone,Free,0,2024-01-15T10:00:00.000Z,0,1,UK,3,,direct,,,2024-02-15T10:00:00.000Z,false\n\
            off@example.org,Off,Unsubscribed,0,2024-01-15T10:00:00.000Z,0,1,UK,3,,direct,,,,false\n",
            &["on-list", "left", "left"],
        ),
        (
            Preset::Buttondown,
            "id,creation_date,email_address,ip_address,metadata,notes,tags,type,bounce_date,undeliverability_date,unsubscription_date,churn_date\n\
            1,2023-01-01T00:00:00Z,ann@example.org,192.0.2.1,{},,,regular,2024-01-01T00:00:00Z,,,\n\
            2,2023-01-01T00:00:00Z,banned@example.org,,{},,,removed,,,,\n\
            3,2023-01-01T00:00:00Z,dead@example.org,,{},,,undeliverable,,2024-01-01T00:00:00Z,,\n\
            4,2023-01-01T00:00:00Z,gone@example.org,,{},,,unsubscribed,,,2024-01-01T00:00:00Z,\n\
            5,2023-01-01T00:00:00Z,kept@example.org,,{},,,blocked,,,,\n\
            6,2023-01-01T00:00:00Z,new@example.org,,{},,,unactivated,,,,\n\
            7,2023-01-01T00:00:00Z,cross@example.org,,{},,,complained,,,,\n",
            &["on-list", "blocked", "bounced", "left", "blocked", "never-confirmed", "complained"],
        ),
        (
            Preset::Kit,
            "first_name,email,created_at,status\nAnn,ann@example.org,2022-09-10T11:12:13Z,active\nKim,kim@example.org,2022-09-10T11:12:13Z,bounced\n",
            &["on-list", "bounced"],
        ),
        (
            Preset::CampaignMonitor,
            "EmailAddress,Name,Date,State\nann@example.org,Ann,2023-01-01 10:00:00,Active\nb@example.org,B,2023-01-01 10:00:00,Deleted\nc@example.org,C,2023-01-01 10:00:00,Bounced\n",
            &["on-list", "left", "bounced"],
        ),
        (
            Preset::Listmonk,
            "uuid,email,name,attributes,status,created_at,updated_at\n\
            1,ann@example.org,Ann,\"{\"\"city\"\": \"\"Bristol, UK\"\"}\",enabled,2023-01-01 00:00:00,2023-01-01 00:00:00\n\
            2,off@example.org,Off,{},disabled,2023-01-01 00:00:00,2023-01-01 00:00:00\n\
            3,gone@example.org,Gone,{},blocklisted,2023-01-01 00:00:00,2023-01-01 00:00:00\n",
            &["on-list", "left", "blocked"],
        ),
        (
            Preset::Buttondown,
            "email,notes,tags,metadata,subscriber_type,source,creation_date,last_open_date,unsubscription_date\n\
            ann@example.org,,,{},regular,organic,2023-01-01,2024-01-01,\n\
            gone@example.org,,,{},unsubscribed,organic,2023-01-01,,2024-02-02\n\
            new@example.org,,,{},unactivated,organic,2023-01-01,,\n\
            sp@example.org,,,{},spammy,organic,2023-01-01,,\n\
            dead@example.org,,,{},undeliverable,organic,2023-01-01,,\n\
            cross@example.org,,,{},complained,organic,2023-01-01,,\n",
            &["on-list", "left", "never-confirmed", "complained", "bounced", "complained"],
        ),
        (
            Preset::Mailchimp,
            "\"Email Address\",\"First Name\",\"Last Name\",Address,\"Phone Number\",MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,LATITUDE,LONGITUDE,GMTOFF,DSTOFF,TIMEZONE,CC,REGION,LAST_CHANGED,LEID,EUID,NOTES,TAGS\n\
            ann@example.org,Ann,\"Lee, Jr.\",,,4,\"2019-03-04 10:20:30\",192.0.2.1,\"2019-03-04 10:21:00\",192.0.2.1,,,,,,,,\"2021-01-01 00:00:00\",1,abc,,\"\"\"VIP\"\",\"\"Bristol, UK\"\"\"\n",
            &["on-list"],
        ),
        (
            Preset::Mailchimp,
            "\"Email Address\",\"First Name\",\"Last Name\",MEMBER_RATING,OPTIN_TIME,UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,UNSUB_CAMPAIGN_ID,UNSUB_REASON,UNSUB_REASON_OTHER,LEID,EUID,NOTES,TAGS\n\
            gone@example.org,Gone,Reader,2,\"2019-03-04 10:20:30\",\"2022-02-02 02:02:02\",Spring,7,NORMAL,,2,abd,,\n\
            too@example.org,Too,Reader,2,\"2019-03-04 10:20:30\",,,,,,2,abd,,\n",
            &["left", "left"],
        ),
        (
            Preset::Mailchimp,
            "\"Email Address\",\"First Name\",\"Last Name\",MEMBER_RATING,OPTIN_TIME,CLEAN_TIME,CLEAN_CAMPAIGN_TITLE,CLEAN_CAMPAIGN_ID,LEID,EUID,NOTES,TAGS\n\
            dead@example.org,Dead,Box,2,\"2019-03-04 10:20:30\",\"2022-02-02 02:02:02\",Spring,77,3,abe,,\n",
            &["bounced"],
        ),
        (
            Preset::Kit,
            "id,first_name,email,status,created_at,tags\n\
            1,Ann,ann@example.org,active,2023-01-01T00:00:00Z,\n2,B,b@example.org,inactive,2023-01-01T00:00:00Z,\n\
            3,C,c@example.org,cancelled,2023-01-01T00:00:00Z,\n4,D,d@example.org,bounced,2023-01-01T00:00:00Z,\n\
            5,E,e@example.org,complained,2023-01-01T00:00:00Z,\n",
            &["on-list", "never-confirmed", "left", "bounced", "complained"],
        ),
        (
            Preset::Brevo,
            "EMAIL;LASTNAME;FIRSTNAME;SMS;EMAIL_BLACKLISTED;SMS_BLACKLISTED;ADDED_TIME;MODIFIED_TIME\n\
            ann@example.org;Lee;Ann;;No;No;12-04-2022 09:30;13-04-2022 10:00\n\
            gone@example.org;Reader;Gone;;Yes;No;12-04-2022 09:30;13-04-2022 10:00\n",
            &["on-list", "left"],
        ),
        (
            Preset::MailPoet,
            "\u{feff}\"Email\",\"First name\",\"Last name\",\"Subscription IP\",\"Subscription time\",\"Confirmation time\",\"Confirmation IP\",\"List status\",\"Global status\",\"List\"\n\
            \"ann@example.org\",\"Ann \\\"A\\\", B\",\"Lee\",\"\",\"2023-01-01 00:00:00\",\"\",\"\",\"subscribed\",\"subscribed\",\"News\"\n\
            \"b@example.org\",\"\",\"\",\"\",\"2023-01-01 00:00:00\",\"\",\"\",\"unsubscribed\",\"subscribed\",\"News\"\n\
            \"c@example.org\",\"\",\"\",\"\",\"2023-01-01 00:00:00\",\"\",\"\",\"subscribed\",\"bounced\",\"News\"\n\
            \"d@example.org\",\"\",\"\",\"\",\"2023-01-01 00:00:00\",\"\",\"\",\"unconfirmed\",\"unconfirmed\",\"News\"\n",
            &["on-list", "left", "bounced", "never-confirmed"],
        ),
        (
            Preset::CampaignMonitor,
            "Email Address,Name,Date Joined,Status\nann@example.org,Ann,2023-01-01,Active\nb@example.org,B,2023-01-01,Unsubscribed\n\
            c@example.org,C,2023-01-01,Bounced\nd@example.org,D,2023-01-01,Deleted\ne@example.org,E,2023-01-01,Unconfirmed\n",
            &["on-list", "left", "bounced", "left", "never-confirmed"],
        ),
        (
            Preset::WordPress,
            "ID,user_login,user_email,user_url,user_registered,display_name,user_status,roles\n\
            1,ann,ann@example.org,,2019-01-01 00:00:00,Ann Lee,0,subscriber\n2,b,b@example.org,,2019-01-01 00:00:00,B,2,subscriber\n",
            &["on-list", "never-confirmed"],
        ),
        (
            Preset::Own,
            "email,name,list,state,confirmed_at\na@example.org,Ann,digest,left,2026-11-27T19:24:22Z\na@example.org,Ann,letters,confirmed,1970-01-01T00:00:00Z\n",
            &["left", "on-list"],
        ),
    ] {
        let seen = look(file);
        assert_eq!(seen.mapping.preset, Some(preset), "{file}");
        let seen: Vec<String> =
            stand(file).iter().map(|row| row.rsplit(' ').next().unwrap_or_default().to_owned()).collect();
        assert_eq!(seen, expected, "{preset:?}");
    }
}

/// A word that a program did not have when this was written stops the import.
#[test]
fn an_unknown_word_of_a_known_program_is_asked_about() {
    let seen =
        look("uuid,email,name,attributes,status,created_at,updated_at\n1,a@example.org,A,{},dormant,,\n");
    assert_eq!(seen.line(), "--status 'dormant=not-taken'");
    let brevo = look("EMAIL;LASTNAME;ADDED_TIME;MODIFIED_TIME\na@example.org;A;;\n");
    assert!(matches!(brevo.unsaid[..], [Unsaid::Lacks { .. }]), "{:?}", brevo.unsaid);
}

/// TRUST L6: of a file that nobody knows every column that may speak of leaving is asked about, and so is a word of it anywhere.
#[test]
fn what_looks_like_a_status_is_asked_about() {
    for (file, line) in [
        (
            "email,status\na@example.org,Active\nb@example.org,gone fishing\n",
            "--status 'active=on-list' --status 'gone fishing=not-taken'",
        ),
        (
            "email,unsubscribed_at\na@example.org,\nb@example.org,2024-01-01\n",
            "--map 'unsubscribed_at=left-at'",
        ),
        ("email,Abgemeldet am\na@example.org,\nb@example.org,01.02.2024\n", "--map 'Abgemeldet am=left-at'"),
        ("email,bounced\na@example.org,0\nb@example.org,1\n", "--status '0=on-list' --status '1=bounced'"),
        (
            "email,do_not_email\na@example.org,\nb@example.org,x\n",
            "--status '(empty)=on-list' --status 'x=left'",
        ),
        (
            "email,subscribed\na@example.org,true\nb@example.org,false\n",
            "--status 'false=left' --status 'true=on-list'",
        ),
        (
            "email,confirmed_at\na@example.org,2024-01-01\nb@example.org,\n",
            "--map 'confirmed_at=confirmed-at'",
        ),
        (
            "email,remark\na@example.org,fine\nb@example.org,Unsubscribed\n",
            "--status 'fine=not-taken' --status 'unsubscribed=left'",
        ),
        (
            "email,State\na@example.org,CA\nb@example.org,NY\n",
            "--status 'ca=not-taken' --status 'ny=not-taken'",
        ),
    ] {
        let seen = look(file);
        assert_eq!(seen.line(), line, "{file}");
        // The very line is enough.
        let mut choices = ImportChoices::default();
        for part in line.split("--").filter(|part| !part.is_empty()) {
            let (flag, typed) = part.trim().split_once(' ').expect("a flag and a word");
            let typed = typed.trim_matches('\'');
            let done = if flag == "map" { choices.add_column(typed) } else { choices.add_word(typed) };
            done.expect("our own line");
        }
        let again = survey(&file.as_bytes(), &choices).expect("a file");
        assert!(again.unsaid.is_empty(), "{file}: {:?}", again.unsaid);
        let on = states(file, &again.mapping).iter().filter(|row| row.ends_with(" on-list")).count();
        assert!(on <= 1, "{file}: one of them at most may be mailed");
    }
    for file in [
        "email,unsubscribed_at\na@example.org,\n",
        "email,name,city,notes\na@example.org,Ann,Bonn,she asked\n",
    ] {
        assert!(look(file).unsaid.is_empty(), "{file}");
    }
}

/// TRUST L6: whatever may say that somebody is not to be mailed stops the import, in words that nobody listed and in the languages of
/// readers; and nobody guesses of a heading that forbids mail that who has something there is on the list.
#[test]
fn what_may_say_no_is_asked_about() {
    for (heading, cell) in [
        ("OK to email", "No"),
        ("On Hold", "Yes"),
        ("send_emails", "false"),
        ("Wants emails", "no"),
        ("Contact by email", "N"),
        ("Emails allowed", "no"),
        ("Mail OK", "no"),
        ("Mail", "no"),
        ("E-Mail erlaubt", "nein"),
        ("Email frequency", "never"),
        ("Email opt", "0"),
        ("Subscription end date", "2020-01-01"),
        ("Expires at", "2020-01-01"),
        ("VIP", "yes"),
        ("Salida", "2020-01-01"),
        ("Zgoda", "nie"),
        ("Segment", "Do not send"),
        ("Category", "Unsubscribed (GDPR)"),
        ("Group", "Bounced twice"),
        ("Bemerkung", "hat sich am Stand abgemeldet"),
        ("", "no"),
    ] {
        let seen = look(&format!("email,{heading}\na@example.org,{cell}\n"));
        assert_eq!(seen.unsaid.len(), 1, "{heading}: {cell}: {:?}", seen.unsaid);
        assert!(!seen.line().contains("on-list"), "{heading}: {cell}: {}", seen.line());
    }
    for heading in [
        "Sperre",
        "Kündigung",
        "Abbestellt",
        "Storniert",
        "Refus emailing",
        "NPAI",
        "Opgezegd",
        "Deceased",
        "Verstorben",
        "Overleden",
        "Lapsed",
        "Quit",
        "Stop",
        "Refused",
        "Ended",
        "Suspended",
        "paused",
        "Kein Newsletter",
        "No newsletter",
        "No marketing",
        "Not consented",
        "Pas de courriel",
        "Geen nieuwsbrief mail",
    ] {
        for (cell, is_date) in [("x", false), ("yes", false), ("✓", false), ("2020-01-01", true)] {
            let seen = look(&format!("email,{heading}\na@example.org,{cell}\nb@example.org,\n"));
            assert_eq!(seen.unsaid.len(), 1, "{heading}: {cell}: {:?}", seen.unsaid);
            let line = seen.line();
            let guess =
                if is_date { line.contains("-at'") } else { !line.contains(&format!("{cell}=on-list")) };
            assert!(guess, "{heading}: {cell}: {line}");
        }
    }
    for heading in ["Abbestellt am", "Kündigung zum", "Résilié le", "stop_date", "resigned_on"] {
        let line = look(&format!("email,{heading}\na@example.org,2020-01-01\nb@example.org,\n")).line();
        assert_eq!(line, format!("--map '{heading}=left-at'"));
    }
}

/// A list of a club as it is: one question at most, answered once.
#[test]
fn an_ordinary_list_is_no_torment() {
    let file = "email,First name,Last name,Town,Postcode,Phone,Contact person,Contact no,Birthday,Last gift,Notes,Members,VIP\n\
        a@example.org,Ann,Lee,Ulm,89073,0731 1,Bob,17,1980-02-03,2024-05-06,likes poems,2,yes\n\
        b@example.org,Bob,Lee,Bern,3000,,Ann,18,,,,1,\n";
    let seen = look(file);
    assert_eq!(seen.line(), "--map 'VIP=status'");
    let mut choices = ImportChoices::default();
    choices.add_column("VIP=not-read").expect("a column");
    assert!(survey(&file.as_bytes(), &choices).expect("a file").unsaid.is_empty());
    // Who says that it speaks of mail is asked what its words mean, and nobody guesses what a yes is.
    let mut choices = ImportChoices::default();
    choices.add_column("VIP=status").expect("a column");
    let seen = survey(&file.as_bytes(), &choices).expect("a file");
    assert_eq!(seen.line(), "--status '(empty)=not-taken' --status 'yes=not-taken'");
}

/// A file that is called so, and does not say it of each.
#[test]
fn the_name_of_a_file_is_read_too() {
    let seen =
        survey(&Named("unsubscribed.csv", "email\na@example.org\n".to_owned()), &ImportChoices::default())
            .expect("a file");
    assert_eq!(seen.line(), "--status 'everybody=left'");
    let mut choices = ImportChoices::default();
    choices.add_word("everybody=left").expect("a word");
    let seen =
        survey(&Named("unsubscribed.csv", "email\na@example.org\n".to_owned()), &choices).expect("a file");
    assert!(seen.unsaid.is_empty());
    assert_eq!(seen.first[0].entry.as_ref().expect("a reader").state, State::Left);
}

/// TRUST L6: Mailchimp's file of who never subscribed has the headings of who did: under another name nobody is mailed before somebody
/// said which it was, and who has neither day never confirmed, whatever it is called.
#[test]
fn a_file_of_mailchimp_under_another_name_is_asked_about() {
    const FILE: &str = "Email Address,First Name,MEMBER_RATING,OPTIN_TIME,CONFIRM_TIME,LEID,EUID\n\
        ann@example.org,Ann,2,2019-03-04 10:20:30,2019-03-04 10:21:00,1,a\nbuyer@example.org,B,2,,,2,b\n\
        old@example.org,O,2,,2019-03-04 10:21:00,3,c\n";
    let seen = |name| survey(&Named(name, FILE.to_owned()), &ImportChoices::default()).expect("a file");
    for name in ["contacts.csv", "transactional.csv", "", "my unsorted list.csv"] {
        assert_eq!(seen(name).line(), "--status 'everybody=not-taken'", "{name}");
    }
    let stand = |name: &'static str| {
        let seen = seen(name);
        assert!(seen.unsaid.is_empty(), "{name}: {:?}", seen.unsaid);
        states(FILE, &seen.mapping)
    };
    assert_eq!(
        stand("subscribed_members_export_1.csv"),
        ["ann@example.org on-list", "buyer@example.org never-confirmed", "old@example.org on-list"]
    );
    let not_read = seen("subscribed_members_export_1.csv");
    assert_eq!(
        not_read.mapping.not_read(),
        ["MEMBER_RATING", "LEID", "EUID"],
        "what says who confirmed is read"
    );
    assert!(stand("nonsubscribed_x.csv").iter().all(|row| row.ends_with(" never-confirmed")));
    let mut choices = ImportChoices::default();
    choices.add_word("everybody=on-list").expect("a word");
    let said = survey(&Named("contacts.csv", FILE.to_owned()), &choices).expect("a file");
    assert!(said.unsaid.is_empty());
    assert_eq!(states(FILE, &said.mapping)[1], "buyer@example.org never-confirmed");
}

/// TRUST F23: headings, letters and addresses as people have them.
#[test]
fn files_are_read_as_they_are() {
    let first = |file: &str| {
        let seen = look(file);
        let entry = seen.first.into_iter().next().expect("a row").entry.expect("a reader");
        (entry.email.to_string(), entry.name)
    };
    let ann = |name: &str| ("ann@example.org".to_owned(), name.to_owned());
    assert_eq!(first("E-Mail-Adresse;Vorname;Nachname\nann@example.org;Ann;Lee, Jr.\n"), ann("Ann Lee, Jr."));
    assert_eq!(first("email\n\"Lee, Ann\" <ann@example.org>\n"), ann("Lee, Ann"));
    assert_eq!(first("Name|E-Mail\r'=Ann|mailto:ann@example.org\r"), ann("=Ann"));
    assert_eq!(look("email\n").rows, 0);
    assert!(matches!(
        survey(&"ann@example.org,Ann\n".as_bytes(), &ImportChoices::default()),
        Err(TableError::NoHeadings)
    ));
    assert!(matches!(survey(&"".as_bytes(), &ImportChoices::default()), Err(TableError::Empty)));
    let million = "x,".repeat(1_000_000);
    assert!(matches!(
        survey(&million.as_bytes(), &ImportChoices::default()),
        Err(TableError::TooManyColumns)
    ));
}
