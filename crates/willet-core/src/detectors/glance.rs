//! What scoring a row has found out is not found out again to learn it.

use std::cell::RefCell;

use smallvec::SmallVec;

/// What was seen of the last row that was scored, until something is learned.
///
/// A decision stands between scoring a row and learning it, so the two are two calls. Who changes anything must [clear](Self::clear) it.
#[derive(Debug)]
pub(super) struct Glance<T>(RefCell<Option<(SmallVec<[f64; 12]>, T)>>);

impl<T> Default for Glance<T> {
    fn default() -> Self {
        Self(RefCell::new(None))
    }
}

impl<T> Glance<T> {
    /// Keeps what was seen of a row.
    pub(super) fn put(&self, row: &[f64], seen: T) {
        *self.0.borrow_mut() = Some((SmallVec::from_slice(row), seen));
    }

    /// What was seen of this very row, if it was the last; nothing is kept after.
    pub(super) fn take(&mut self, row: &[f64]) -> Option<T> {
        let (of, seen) = self.0.get_mut().take()?;
        is_same(&of, row).then_some(seen)
    }

    /// The same where it lies, to be [cleared](Self::clear) after.
    pub(super) fn of(&mut self, row: &[f64]) -> Option<&T> {
        let (of, seen) = self.0.get_mut().as_ref()?;
        is_same(of, row).then_some(seen)
    }

    /// Forgets it: something has changed.
    pub(super) fn clear(&mut self) {
        *self.0.get_mut() = None;
    }
}

/// Whether two rows have the same bits.
fn is_same(one: &[f64], other: &[f64]) -> bool {
    let same = |(a, b): (&f64, &f64)| a.to_bits() == b.to_bits();
    one.len() == other.len() && one.iter().zip(other).all(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_row_is_known_and_only_once() {
        let mut glance = Glance::default();
        glance.put(&[1.0, f64::NAN], 1);
        glance.put(&[2.0, f64::NAN], 2);
        assert_eq!(glance.take(&[1.0, f64::NAN]), None);
        assert_eq!(
            glance.take(&[2.0, f64::NAN]),
            None,
            "gone with the question"
        );
        glance.put(&[2.0, f64::NAN], 3);
        assert_eq!(glance.of(&[2.0, f64::NAN]), Some(&3));
        assert_eq!(glance.of(&[2.0, 1.0]), None);
        assert_eq!(glance.take(&[2.0, f64::NAN]), Some(3));
        glance.put(&[0.0], 4);
        assert_eq!(glance.take(&[-0.0]), None);
        glance.put(&[0.0], 4);
        glance.clear();
        assert_eq!(glance.take(&[0.0]), None);
    }
}
