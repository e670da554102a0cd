//! Randomness, keys and signed tokens. Nothing else in the house uses the random source.
//!
//! One root secret; each purpose has a key of its own, derived by HKDF (RFC 5869), so that a token made for one purpose is
//! noise to another. A token carries the id of its key, its expiry and its scope; old root secrets stay valid for checking,
//! so that the unsubscribe link of an old mail works after the secret was changed.

use std::{collections::HashMap, fmt};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey},
    constant_time, digest,
    hkdf::{HKDF_SHA256, Salt},
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD, HEXLOWER};

use crate::clock::Moment;

/// What a token may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Confirming a subscription.
    Confirm,
    /// Leaving a list with one click (RFC 8058).
    Unsubscribe,
    /// Leaving a list by a mail (RFC 2369).
    LeaveByMail,
    /// Changing what one chose.
    Preferences,
    /// Saying that a list may go on coming.
    ConfirmAgain,
    /// Reading what is held about oneself.
    CopyOfData,
    /// Being forgotten.
    Forget,
    /// Agreeing to a new address for a reader's mail, or taking that back.
    AddressChange,
    /// Reading one's own copy of an edition in the browser.
    View,
    /// Giving, credited to an edition.
    Give,
    /// Signing in at the desk, once.
    SignIn,
    /// Joining the team.
    Invite,
    /// Making the first owner.
    SetUp,
    /// The hidden field of a form that changes something.
    Csrf,
    /// The Message-ID of a delivery.
    MessageId,
    /// The envelope sender that a bounce comes back to (VERP).
    ReturnPath,
    /// The envelope sender of a letter to a reader.
    LetterPath,
    /// The page that says thank you after a gift.
    Thanks,
    /// What is limited, and whom that holds, as the database calls it.
    Attempt,
    /// What a form to subscribe says of itself: when it was made, and the work that it asks for.
    SignUp,
    /// How an instance shows which one it is to whoever looks whether its public address leads to it.
    Here,
    /// User and password of a mail service, as the database calls them.
    Credentials,
    /// How a database knows the secret that it was run with.
    SecretProof,
    /// The hash of an address that is not mailed. Its key comes from a secret that is never changed.
    Suppression,
    /// Private keys that sign mail, as they lie in the database: [`Keys::seal`].
    DkimKey,
    /// What a form did, as it stands in the address of the page that it leads to: [`Keys::seal`].
    Told,
}

impl Purpose {
    const ALL: [Self; 23] = [
        Self::Confirm,
        Self::Unsubscribe,
        Self::LeaveByMail,
        Self::Preferences,
        Self::ConfirmAgain,
        Self::CopyOfData,
        Self::Forget,
        Self::AddressChange,
        Self::View,
        Self::Give,
        Self::SignIn,
        Self::Invite,
        Self::SetUp,
        Self::Csrf,
        Self::MessageId,
        Self::ReturnPath,
        Self::LetterPath,
        Self::Thanks,
        Self::Attempt,
        Self::SignUp,
        Self::Here,
        Self::Credentials,
        Self::SecretProof,
    ];

    /// Those that keep something from whoever sees it lie, or go by.
    const SEALING: [Self; 2] = [Self::DkimKey, Self::Told];

    /// Goes into the derived key: never change one.
    const fn label(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Unsubscribe => "unsubscribe",
            Self::LeaveByMail => "leave-by-mail",
            Self::Preferences => "preferences",
            Self::ConfirmAgain => "confirm-again",
            Self::CopyOfData => "copy-of-data",
            Self::Forget => "forget",
            Self::AddressChange => "address-change",
            Self::View => "view",
            Self::Give => "give",
            Self::SignIn => "sign-in",
            Self::Invite => "invite",
            Self::SetUp => "set-up",
            Self::Csrf => "csrf",
            Self::MessageId => "message-id",
            Self::ReturnPath => "return-path",
            Self::LetterPath => "letter-path",
            Self::Thanks => "thanks",
            Self::Attempt => "attempt",
            Self::SignUp => "sign-up",
            Self::Here => "here",
            Self::Credentials => "credentials",
            Self::SecretProof => "secret-proof",
            Self::Suppression => "suppression",
            Self::DkimKey => "dkim-key",
            Self::Told => "told",
        }
    }
}

/// Why a token was not taken. Pages answer the same to all of them, except that an expired one may offer a new link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Made by nobody who holds a key, for another purpose, or changed on the way.
    #[error("the link is not valid")]
    Invalid,
    /// Genuine, but too old.
    #[error("the link has expired")]
    Expired,
}

/// A root secret from the settings: at least 32 bytes.
#[derive(Clone)]
pub struct RootSecret {
    /// Which secret a token was made with, 0 to 255.
    pub id: u8,
    /// The secret itself.
    pub secret: Vec<u8>,
}

/// Shows the id alone, so that no log holds the secret.
impl fmt::Debug for RootSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RootSecret({})", self.id)
    }
}

/// The derived keys. Signs with the current root secret, checks with all.
pub struct Keys {
    current: u8,
    derived: HashMap<(u8, Purpose), hmac::Key>,
    sealing: HashMap<(u8, Purpose), RandomizedNonceKey>,
    suppression: hmac::Key,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys(current {})", self.current)
    }
}

const MAC_BYTES: usize = 16;
const NONCE_BYTES: usize = 12;

impl Keys {
    /// Derives every purpose's key from the current secret and the old ones; the suppression key from a secret of its own,
    /// which is never rotated: the hashes it made could not be made again.
    #[must_use]
    pub fn new(current: &RootSecret, old: &[RootSecret], suppression: &[u8]) -> Self {
        let (mut derived, mut sealing) = (HashMap::new(), HashMap::new());
        for root in old.iter().chain([current]) {
            for purpose in Purpose::ALL {
                derived.insert((root.id, purpose), derive(&root.secret, purpose));
            }
            for purpose in Purpose::SEALING {
                sealing.insert((root.id, purpose), derive_sealing(&root.secret, purpose));
            }
        }
        let suppression = derive(suppression, Purpose::Suppression);
        Self { current: current.id, derived, sealing, suppression }
    }

    /// A token for `scope`, valid until `expires` (for ever if `None`), safe in a URL.
    #[must_use]
    pub fn sign(&self, purpose: Purpose, scope: &str, expires: Option<Moment>) -> String {
        let mut bytes = Vec::with_capacity(1 + 8 + scope.len() + MAC_BYTES);
        bytes.push(self.current);
        bytes.extend(expires.map_or(0, Moment::unix_seconds).to_be_bytes());
        bytes.extend(scope.as_bytes());
        let mac = self.mac(self.current, purpose, &bytes);
        bytes.extend(mac);
        BASE64URL_NOPAD.encode(&bytes)
    }

    /// The scope of a genuine token.
    ///
    /// # Errors
    /// [`TokenError`]; the comparison takes the same time wherever the first wrong byte stands.
    pub fn verify(&self, purpose: Purpose, token: &str, now: Moment) -> Result<String, TokenError> {
        let bytes = BASE64URL_NOPAD.decode(token.as_bytes()).map_err(|_| TokenError::Invalid)?;
        let split = bytes.len().checked_sub(MAC_BYTES).ok_or(TokenError::Invalid)?;
        let (signed, mac) = bytes.split_at(split);
        let (id, rest) = signed.split_first().ok_or(TokenError::Invalid)?;
        let (expires, scope) = rest.split_first_chunk::<8>().ok_or(TokenError::Invalid)?;
        if !self.derived.contains_key(&(*id, purpose)) {
            return Err(TokenError::Invalid);
        }
        constant_time::verify_slices_are_equal(mac, &self.mac(*id, purpose, signed))
            .map_err(|_| TokenError::Invalid)?;
        let expires = i64::from_be_bytes(*expires);
        if expires != 0 && now.unix_seconds() >= expires {
            return Err(TokenError::Expired);
        }
        String::from_utf8(scope.to_vec()).map_err(|_| TokenError::Invalid)
    }

    /// An opaque name that is the same for the same input, and tells nothing about it: 26 letters and figures.
    #[must_use]
    pub fn name(&self, purpose: Purpose, input: &str) -> String {
        let mut name = BASE32_NOPAD.encode(&self.mac(self.current, purpose, input.as_bytes()));
        name.make_ascii_lowercase();
        name
    }

    /// Encrypts a secret, bound to `context`: it opens again under the same context alone.
    ///
    /// # Panics
    /// If the operating system has no randomness to give: nothing safe can be done then.
    #[must_use]
    pub fn seal(&self, purpose: Purpose, context: &str, secret: &[u8]) -> Vec<u8> {
        let mut sealed = secret.to_vec();
        let key = self.sealing.get(&(self.current, purpose)).expect("a purpose that keeps secrets has a key");
        let nonce = key.seal_in_place_append_tag(Aad::from(context), &mut sealed);
        let nonce = nonce.expect("the operating system gives random bytes, and a secret is short");
        let mut out = vec![self.current];
        out.extend(nonce.as_ref());
        out.extend(sealed);
        out
    }

    /// Decrypts what [`Keys::seal`] made, with the current root secret or an old one.
    ///
    /// # Errors
    /// [`TokenError::Invalid`] when its root secret is gone, the context is another, or a byte was changed.
    pub fn open(&self, purpose: Purpose, context: &str, sealed: &[u8]) -> Result<Vec<u8>, TokenError> {
        let (id, rest) = sealed.split_first().ok_or(TokenError::Invalid)?;
        let (nonce, secret) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(TokenError::Invalid)?;
        let key = self.sealing.get(&(*id, purpose)).ok_or(TokenError::Invalid)?;
        let mut secret = secret.to_vec();
        let opened = key
            .open_in_place(Nonce::from(nonce), Aad::from(context), &mut secret)
            .map_err(|_| TokenError::Invalid)?;
        Ok(opened.to_vec())
    }

    /// Whether `name`, of at least 16 letters, begins what [`Keys::name`] makes of the input, with the current or an old
    /// secret. Takes the same time wherever the first wrong letter stands.
    #[must_use]
    pub fn knows_name(&self, purpose: Purpose, input: &str, name: &str) -> bool {
        let ids = self.derived.keys().filter(|(_, known)| *known == purpose).map(|(id, _)| *id);
        let mut known = false;
        for id in ids {
            let own = BASE32_NOPAD.encode(&self.mac(id, purpose, input.as_bytes())).to_ascii_lowercase();
            known |= name.len() >= 16 && own.get(..name.len()).is_some_and(|own| equal(own, name));
        }
        known
    }

    fn mac(&self, id: u8, purpose: Purpose, bytes: &[u8]) -> [u8; MAC_BYTES] {
        let mut short = [0; MAC_BYTES];
        let key = match purpose {
            Purpose::Suppression => Some(&self.suppression),
            _ => self.derived.get(&(id, purpose)),
        };
        if let Some(key) = key {
            short.copy_from_slice(&hmac::sign(key, bytes).as_ref()[..MAC_BYTES]);
        }
        short
    }
}

fn derive(secret: &[u8], purpose: Purpose) -> hmac::Key {
    let info = [purpose.label().as_bytes()];
    let extracted = Salt::new(HKDF_SHA256, b"broadside/1").extract(secret);
    let key = extracted.expand(&info, hmac::HMAC_SHA256).map(hmac::Key::from);
    key.expect("HKDF can give 32 bytes for any input")
}

fn derive_sealing(secret: &[u8], purpose: Purpose) -> RandomizedNonceKey {
    let info = [purpose.label().as_bytes()];
    let extracted = Salt::new(HKDF_SHA256, b"broadside/1").extract(secret);
    let mut bytes = [0; 32];
    let filled = extracted.expand(&info, hmac::HMAC_SHA256).and_then(|key| key.fill(&mut bytes));
    filled.expect("HKDF can give 32 bytes for any input");
    RandomizedNonceKey::new(&AES_256_GCM, &bytes).expect("a key of 32 bytes")
}

/// Random bytes from the operating system.
///
/// # Panics
/// If the operating system has no randomness to give: nothing safe can be done then.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place that draws from the random source")]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// What signatures of other people's kinds are made with, in tests.
#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "this is the one place that draws from the random source")]
pub(crate) fn randomness() -> SystemRandom {
    SystemRandom::new()
}

/// An unguessable name for use in URLs: 128 bits, 26 lower-case letters and figures.
#[must_use]
pub fn public_id() -> String {
    BASE32_NOPAD.encode(&random::<16>()).to_ascii_lowercase()
}

/// [`public_id`]s for what is made by the thousand: they begin alike, so that they lie side by side in an index, and none can be guessed from
/// another.
pub fn public_ids() -> impl FnMut() -> String {
    const ALIKE: usize = 5;
    let first = public_id();
    move || {
        let mut id = public_id();
        id.replace_range(..ALIKE, &first[..ALIKE]);
        id
    }
}

/// Whether this looks like a [`public_id`].
#[must_use]
pub fn is_public_id(text: &str) -> bool {
    text.len() == 26 && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'))
}

/// An unguessable secret to hand to one browser or person: 256 bits.
#[must_use]
pub fn secret() -> String {
    BASE64URL_NOPAD.encode(&random::<32>())
}

/// What is stored of a [`secret`]: its SHA-256, so that a copy of the database opens no session.
#[must_use]
pub fn hash(secret: &str) -> String {
    HEXLOWER.encode(digest::digest(&digest::SHA256, secret.as_bytes()).as_ref())
}

/// A short name of a thing that has a long one: 12 letters and figures, always the same, that do not tell the long one.
#[must_use]
pub fn short_name(long: &str) -> String {
    let mut name = BASE32_NOPAD.encode(digest::digest(&digest::SHA256, long.as_bytes()).as_ref());
    name.truncate(12);
    name.to_ascii_lowercase()
}

/// The name of what has these bytes, the same for all who have them: 26 letters and figures.
#[must_use]
pub fn content_name(bytes: &[u8]) -> String {
    let mut name = BASE32_NOPAD.encode(digest::digest(&digest::SHA256, bytes).as_ref());
    name.truncate(26);
    name.to_ascii_lowercase()
}

/// Whether two secrets are equal, in a time that does not tell where they differ.
#[must_use]
pub fn equal(one: &str, other: &str) -> bool {
    constant_time::verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(id: u8) -> RootSecret {
        RootSecret { id, secret: vec![id; 32] }
    }

    const NOW: Moment = Moment::from_unix_seconds(1_000_000);

    /// TRUST M4, A23: every flipped bit makes a token invalid, and so does another purpose.
    #[test]
    fn a_token_with_any_flipped_bit_is_refused() {
        let keys = Keys::new(&root(1), &[], b"s");
        let token = keys.sign(Purpose::Unsubscribe, "7.1234", None);
        assert_eq!(keys.verify(Purpose::Unsubscribe, &token, NOW).as_deref(), Ok("7.1234"));
        assert_eq!(keys.verify(Purpose::Confirm, &token, NOW), Err(TokenError::Invalid));
        let bytes = BASE64URL_NOPAD.decode(token.as_bytes()).expect("our own encoding");
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let forged = BASE64URL_NOPAD.encode(&flipped);
            assert_eq!(
                keys.verify(Purpose::Unsubscribe, &forged, NOW),
                Err(TokenError::Invalid),
                "bit {bit}"
            );
        }
    }

    #[test]
    fn a_token_ends_at_its_expiry_and_not_before() {
        let keys = Keys::new(&root(1), &[], b"s");
        let token = keys.sign(Purpose::SignIn, "5", Some(NOW));
        assert_eq!(keys.verify(Purpose::SignIn, &token, Moment(NOW.0 - 1_000_000)).as_deref(), Ok("5"));
        assert_eq!(keys.verify(Purpose::SignIn, &token, NOW), Err(TokenError::Expired));
    }

    /// TRUST M6: links of old mails outlive a change of the root secret.
    #[test]
    fn tokens_of_an_old_secret_stay_valid_while_it_is_kept() {
        let token = Keys::new(&root(1), &[], b"s").sign(Purpose::Unsubscribe, "7", None);
        let rotated = Keys::new(&root(2), &[root(1)], b"s");
        assert_eq!(rotated.verify(Purpose::Unsubscribe, &token, NOW).as_deref(), Ok("7"));
        assert_eq!(
            Keys::new(&root(2), &[], b"s").verify(Purpose::Unsubscribe, &token, NOW),
            Err(TokenError::Invalid)
        );
    }

    #[test]
    fn hashes_of_suppressed_addresses_survive_a_change_of_the_root_secret() {
        let before = Keys::new(&root(1), &[], b"s").name(Purpose::Suppression, "ann@example.org");
        let after = Keys::new(&root(2), &[], b"s").name(Purpose::Suppression, "ann@example.org");
        assert_eq!(before, after);
    }

    /// TRUST M5: a private key at rest opens with its root secret alone, kept as an old one or not, and nowhere else.
    #[test]
    fn a_sealed_secret_opens_with_its_root_secret_and_context_alone() {
        let keys = Keys::new(&root(1), &[], b"s");
        let sealed = keys.seal(Purpose::DkimKey, "march.example.org", b"a private key");
        assert_ne!(sealed, keys.seal(Purpose::DkimKey, "march.example.org", b"a private key"));
        let open = |keys: &Keys, context, sealed: &[u8]| keys.open(Purpose::DkimKey, context, sealed);
        assert_eq!(open(&keys, "march.example.org", &sealed).as_deref(), Ok(b"a private key".as_slice()));
        let rotated = Keys::new(&root(2), &[root(1)], b"s");
        assert_eq!(open(&rotated, "march.example.org", &sealed).as_deref(), Ok(b"a private key".as_slice()));
        assert_eq!(open(&keys, "april.example.org", &sealed), Err(TokenError::Invalid));
        let lost = Keys::new(&root(2), &[], b"s");
        assert_eq!(open(&lost, "march.example.org", &sealed), Err(TokenError::Invalid));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(open(&keys, "march.example.org", &changed), Err(TokenError::Invalid), "byte {at}");
        }
        assert_eq!(open(&keys, "march.example.org", b""), Err(TokenError::Invalid));
    }

    #[test]
    fn secrets_do_not_repeat() {
        assert_ne!(secret(), secret());
        assert_eq!(public_id().len(), 26);
    }
}
