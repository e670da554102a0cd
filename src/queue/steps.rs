//! Long work in steps: each is one transaction, so small that everybody else can write in between, and has a claim of its own.

use std::time::Duration;

use crate::clock::Moment;

/// So long a step may hold the writer.
const STEP: Duration = Duration::from_millis(100);
const A_MOMENT: Duration = Duration::from_micros(1);

/// How many go in the next step, when so many took so long: on a slow disk fewer, and never less than `least` or more than `most`.
#[must_use]
pub fn next_step(many: usize, took: Duration, (least, most): (usize, usize)) -> usize {
    let next = if took > STEP {
        many / 2
    } else if took < STEP / 3 {
        many * 2
    } else {
        many
    };
    next.clamp(least, most)
}

/// The end of the lease from now on: another moment than before, also where no clock goes on.
#[must_use]
pub fn renewed(claim: Moment, now: Moment, lease: Duration) -> Moment {
    now.plus(lease).max(claim.plus(A_MOMENT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_grow_while_they_are_quick_and_shrink_where_they_are_not() {
        let (quick, slow, right) = (STEP / 10, STEP * 2, STEP / 2);
        assert_eq!([quick, right, slow].map(|took| next_step(100, took, (10, 400))), [200, 100, 50]);
        assert_eq!((next_step(300, quick, (10, 400)), next_step(12, slow, (10, 400))), (400, 10));
    }

    #[test]
    fn a_claim_is_never_the_one_of_before() {
        let (now, lease) = (Moment(5_000_000), Duration::from_secs(2));
        assert_eq!(renewed(Moment(1), now, lease), now.plus(lease));
        assert!(renewed(now.plus(lease), now, lease) > now.plus(lease));
    }
}
