//! Files that only whoever holds a key can read, and that nobody else can change or cut off without being found out.
//!
//! Pieces of 64 KiB, each encrypted with AES-256-GCM under a key of the file's own (HKDF of the secret with a random salt) and a
//! nonce that counts them and marks the last: the construction STREAM (Hoang, Reyhanitabar, Rogaway and Vizár, 2015).

use std::io::{self, Read, Write};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, Salt},
};

use crate::token;

/// What such a file begins with.
pub const BEGINNING: &[u8] = b"broadside sealed 1\n";

const SALT: usize = 16;
const PIECE: usize = 64 * 1_024;
const TAG: usize = 16;

/// Encrypts everything.
///
/// # Errors
/// When reading or writing fails.
pub fn seal(secret: &[u8], from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let salt = token::random::<SALT>();
    to.write_all(BEGINNING)?;
    to.write_all(&salt)?;
    pieces(from, PIECE, &key(secret, &salt), |key, nonce, piece| {
        key.seal_in_place_append_tag(nonce, Aad::empty(), piece)
            .map_err(|_| broken("it cannot be encrypted"))?;
        to.write_all(piece)
    })
}

/// Decrypts everything. What was written before an error is not to be trusted.
///
/// # Errors
/// When reading or writing fails; `InvalidData` for another secret, or a file that was changed or cut off.
pub fn open(secret: &[u8], from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut beginning = [0; BEGINNING.len()];
    let mut salt = [0; SALT];
    from.read_exact(&mut beginning)?;
    from.read_exact(&mut salt)?;
    if beginning != BEGINNING {
        return Err(broken("it is no sealed file"));
    }
    pieces(from, PIECE + TAG, &key(secret, &salt), |key, nonce, piece| {
        let wrong = |_| broken("it was sealed with another key, or is damaged");
        let length = key.open_in_place(nonce, Aad::empty(), piece).map_err(wrong)?.len();
        to.write_all(&piece[..length])
    })
}

fn broken(words: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, words)
}

fn key(secret: &[u8], salt: &[u8; SALT]) -> LessSafeKey {
    let extracted = Salt::new(HKDF_SHA256, salt).extract(secret);
    let expanded = extracted.expand(&[b"broadside/sealed-file"], &AES_256_GCM);
    LessSafeKey::new(UnboundKey::from(expanded.expect("HKDF gives a key of any usual length")))
}

/// Does something with each piece, numbered, the last one marked; a file always has a last piece, if an empty one.
fn pieces(
    from: &mut impl Read,
    size: usize,
    key: &LessSafeKey,
    mut each: impl FnMut(&LessSafeKey, Nonce, &mut Vec<u8>) -> io::Result<()>,
) -> io::Result<()> {
    let (mut piece, mut next) = (take(from, size)?, Vec::new());
    for number in 0_u64.. {
        if piece.len() == size {
            next = take(from, size)?;
        }
        let is_last = next.is_empty();
        let mut nonce = [0; NONCE_LEN];
        nonce[3..11].copy_from_slice(&number.to_be_bytes());
        nonce[11] = is_last.into();
        each(key, Nonce::assume_unique_for_key(nonce), &mut piece)?;
        if is_last {
            break;
        }
        piece = std::mem::take(&mut next);
    }
    Ok(())
}

fn take(from: &mut impl Read, size: usize) -> io::Result<Vec<u8>> {
    let mut piece = Vec::with_capacity(size + TAG);
    from.take(size as u64).read_to_end(&mut piece)?;
    Ok(piece)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(secret: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut file = Vec::new();
        seal(secret, &mut &plain[..], &mut file).expect("memory takes it");
        file
    }

    fn opened(secret: &[u8], file: &[u8]) -> io::Result<Vec<u8>> {
        let mut plain = Vec::new();
        open(secret, &mut &file[..], &mut plain).map(|()| plain)
    }

    /// Of every length around a piece's.
    #[test]
    fn what_was_sealed_opens_with_its_key_alone() {
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 7] {
            let plain: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let file = sealed(b"one", &plain);
            assert_eq!(opened(b"one", &file).expect("our own"), plain, "{length}");
            assert!(opened(b"two", &file).is_err(), "{length}");
            assert_ne!(file, sealed(b"one", &plain), "each file has a key of its own");
        }
    }

    /// Nobody changes it, cuts it off, adds to it, or puts its pieces in another order.
    #[test]
    fn what_was_changed_does_not_open() {
        let file = sealed(b"one", &vec![7; 3 * PIECE]);
        let head = BEGINNING.len() + SALT;
        for at in [0, BEGINNING.len(), head, head + PIECE, file.len() - 1] {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert!(opened(b"one", &changed).is_err(), "byte {at}");
        }
        let whole = PIECE + TAG;
        for end in [0, head, head + whole, head + 2 * whole, file.len() - 1] {
            assert!(opened(b"one", &file[..end]).is_err(), "cut off at {end}");
        }
        assert!(opened(b"one", &[file.as_slice(), b"x"].concat()).is_err());
        let (first, rest) = file[head..].split_at(whole);
        let (second, third) = rest.split_at(whole);
        assert!(opened(b"one", &[&file[..head], second, first, third].concat()).is_err());
    }
}
