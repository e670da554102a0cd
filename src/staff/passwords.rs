//! Passwords: argon2id, hashed off the async threads, a few at a time.

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version, password_hash::phc::PasswordHash,
};
use tokio::{sync::Semaphore, task};

use crate::token;

/// The fewest characters a password may have (NIST SP 800-63B asks for 8 or more; length is the only rule we set).
pub const SHORTEST: usize = 12;
/// The most bytes a password may have, so that nobody makes us hash a book.
pub const LONGEST: usize = 1_000;

/// Each hash takes its memory for a moment; more at once than this wait in a line.
static AT_ONCE: Semaphore = Semaphore::const_new(4);

/// How much work one hash is.
#[derive(Clone, Copy, Debug)]
pub struct PasswordCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
}

impl PasswordCost {
    /// OWASP's first choice for argon2id: 19 MiB, two passes, one lane.
    pub const STRONG: Self = Self { memory_kib: 19_456, passes: 2 };
    /// For tests and sample data only.
    pub const CHEAP: Self = Self { memory_kib: 64, passes: 1 };
}

/// Why a password was not taken, in words for the person who typed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Fewer than [`SHORTEST`] characters.
    #[error("Use at least 12 characters. A few words in a row make a good password.")]
    TooShort,
    /// More than [`LONGEST`] bytes.
    #[error("That password is too long. Use fewer than 1,000 characters.")]
    TooLong,
}

/// Checks the rules for a new password.
///
/// # Errors
/// A [`PasswordError`] that tells the person what to change.
pub fn check(password: &str) -> Result<(), PasswordError> {
    if password.chars().count() < SHORTEST {
        return Err(PasswordError::TooShort);
    }
    if password.len() > LONGEST {
        return Err(PasswordError::TooLong);
    }
    Ok(())
}

/// The hash to store, as a PHC string.
///
/// # Panics
/// If the cost is outside what argon2 takes, which no constant here is.
pub async fn hash(password: &str, cost: PasswordCost) -> String {
    let password = password.to_owned();
    let _turn = AT_ONCE.acquire().await;
    let hashed = task::spawn_blocking(move || {
        let params = Params::new(cost.memory_kib, cost.passes, 1, None).expect("costs are argon2's");
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let hash: PasswordHash = argon
            .hash_password_with_salt(password.as_bytes(), &token::random::<16>())
            .expect("a salt of 16 bytes and a password below 4 GiB are in range");
        hash.to_string()
    });
    hashed.await.expect("hashing does not panic")
}

/// Whether the password belongs to the stored hash. With no hash it does the same work and says no, so that the time taken
/// does not tell whether there is such an account (TRUST A22).
pub async fn verify(password: &str, stored: Option<&str>, cost: PasswordCost) -> bool {
    if password.len() > LONGEST {
        return false;
    }
    let Some(stored) = stored else {
        hash(password, cost).await;
        return false;
    };
    let (password, stored) = (password.to_owned(), stored.to_owned());
    let _turn = AT_ONCE.acquire().await;
    let verified = task::spawn_blocking(move || {
        // The cost is read from the hash itself, so hashes of an older cost stay valid.
        PasswordHash::new(&stored)
            .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
    });
    verified.await.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_opens_its_own_hash_and_no_other() {
        let stored = hash("correct horse battery", PasswordCost::CHEAP).await;
        assert!(stored.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{stored}");
        assert_ne!(stored, hash("correct horse battery", PasswordCost::CHEAP).await, "salted");
        assert!(verify("correct horse battery", Some(&stored), PasswordCost::CHEAP).await);
        assert!(!verify("correct horse batterz", Some(&stored), PasswordCost::CHEAP).await);
        assert!(!verify("correct horse battery", None, PasswordCost::CHEAP).await);
        assert!(!verify("correct horse battery", Some("not a hash"), PasswordCost::CHEAP).await);
    }

    #[test]
    fn length_is_the_only_rule() {
        assert_eq!(check("elevenchars"), Err(PasswordError::TooShort));
        assert_eq!(check("twelve chars"), Ok(()));
        assert_eq!(check(&"x".repeat(1_001)), Err(PasswordError::TooLong));
    }
}
