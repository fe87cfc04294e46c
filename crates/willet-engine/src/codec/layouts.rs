//! Layouts that were seen, so that events of one shape share one.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use hashbrown::HashMap;

use crate::event::Layout;

/// Layouts kept; a stream that makes up names would grow it without end, so when full it starts over.
pub(super) const MAX_LAYOUTS: usize = 4_096;

/// Bounded cache of layouts.
#[derive(Debug, Default)]
pub(super) struct Layouts {
    known: HashMap<u64, Arc<Layout>, foldhash::fast::FixedState>,
}

impl Layouts {
    /// The layout with these names.
    pub(super) fn named<'a>(
        &mut self,
        names: &(impl Iterator<Item = &'a str> + Clone),
    ) -> Arc<Layout> {
        let mut hasher = hasher(1);
        for name in names.clone() {
            hasher.write(name.as_bytes());
            hasher.write_u8(0xff);
        }
        self.fetch(
            hasher.finish(),
            |layout| {
                !layout.is_positional()
                    && names.clone().eq(layout.names().iter().map(|name| &**name))
            },
            || Layout::named(names.clone()),
        )
    }

    /// The layout of `width` values without names.
    pub(super) fn positional(&mut self, width: usize) -> Arc<Layout> {
        let mut hasher = hasher(2);
        hasher.write_usize(width);
        self.fetch(
            hasher.finish(),
            |layout| layout.is_positional() && layout.width() == width,
            || Layout::positional(width),
        )
    }

    fn fetch(
        &mut self,
        hash: u64,
        is_it: impl Fn(&Layout) -> bool,
        make: impl FnOnce() -> Layout,
    ) -> Arc<Layout> {
        if let Some(layout) = self.known.get(&hash)
            && is_it(layout)
        {
            return Arc::clone(layout);
        }
        if self.known.len() >= MAX_LAYOUTS {
            self.known.clear();
        }
        let layout = Arc::new(make());
        self.known.insert(hash, Arc::clone(&layout));
        layout
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }
}

fn hasher(seed: u64) -> impl Hasher {
    foldhash::quality::FixedState::with_seed(seed).build_hasher()
}

/// Names and values of one object as it is read, compared with the layout of the object before it:
/// as long as they agree no name is copied, hashed or looked up.
#[derive(Debug, Default)]
pub(super) struct NamedValues {
    last: Option<Arc<Layout>>,
    agrees: bool,
    names: String,
    ends: Vec<u32>,
    values: Vec<f64>,
}

impl NamedValues {
    /// Forgets the values of the event before, but not its layout.
    pub(super) fn start(&mut self) {
        self.agrees = self.last.is_some();
        self.names.clear();
        self.ends.clear();
        self.values.clear();
    }

    /// Adds a value.
    pub(super) fn push(&mut self, name: &str, value: f64) {
        if self.agrees {
            let next = self
                .last
                .as_ref()
                .and_then(|last| last.names().get(self.values.len()));
            if next.is_none_or(|next| **next != *name) {
                self.depart();
            }
        }
        if !self.agrees {
            self.push_name(name);
        }
        self.values.push(value);
    }

    /// The values, in order.
    pub(super) fn values(&self) -> &[f64] {
        &self.values
    }

    /// Number of values.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// The value called `name`, if it came.
    pub(super) fn get(&self, name: &str) -> Option<f64> {
        let place = if self.agrees {
            let last = self.last.as_ref()?;
            last.names().iter().position(|known| **known == *name)
        } else {
            (0..self.ends.len()).position(|index| self.name(index) == name)
        };
        self.values.get(place?).copied()
    }

    /// A name that came twice, if there is one.
    pub(super) fn duplicate(&self) -> Option<&str> {
        /// Up to here comparing each with each beats sorting.
        const FEW: usize = 16;
        if self.agrees {
            return None;
        }
        let count = self.ends.len();
        if count <= FEW {
            return (1..count)
                .map(|index| (index, self.name(index)))
                .find(|(index, name)| (0..*index).any(|before| self.name(before) == *name))
                .map(|(_, name)| name);
        }
        let mut sorted: Vec<&str> = (0..count).map(|index| self.name(index)).collect();
        sorted.sort_unstable();
        sorted
            .windows(2)
            .find(|two| two[0] == two[1])
            .map(|two| two[0])
    }

    /// Finds the layout of the values that were pushed, for [`NamedValues::layout`] and the next event.
    pub(super) fn settle(&mut self, layouts: &mut Layouts) {
        let width = self.values.len();
        if self.agrees && self.last.as_ref().is_some_and(|last| last.width() > width) {
            self.depart();
        }
        if !self.agrees {
            let this = &*self;
            let layout = layouts.named(&(0..this.ends.len()).map(|index| this.name(index)));
            self.last = Some(layout);
            self.agrees = true;
        }
    }

    /// The layout that [`NamedValues::settle`] found.
    pub(super) fn layout(&self) -> Option<&Arc<Layout>> {
        self.last.as_ref()
    }

    /// Name of value `index`.
    pub(super) fn name_of(&self, index: usize) -> &str {
        match &self.last {
            Some(last) if self.agrees => &last.names()[index],
            _ => self.name(index),
        }
    }

    /// From here on the names differ from the last layout's: writes down those that agreed.
    fn depart(&mut self) {
        self.agrees = false;
        if let Some(last) = self.last.take() {
            for name in &last.names()[..self.values.len()] {
                self.push_name(name);
            }
        }
    }

    fn push_name(&mut self, name: &str) {
        self.names.push_str(name);
        self.ends.push(self.names.len() as u32);
    }

    fn name(&self, index: usize) -> &str {
        let start = if index == 0 {
            0
        } else {
            self.ends[index - 1] as usize
        };
        &self.names[start..self.ends[index] as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_share_a_layout_whatever_came_between() {
        let (mut named, mut layouts) = (NamedValues::default(), Layouts::default());
        let mut seen = Vec::new();
        for names in [
            &["a", "b"][..],
            &["a"],
            &["a", "b"],
            &["a", "b", "c"],
            &["b", "a"],
            &["ab"],
            &["a", "b"],
        ] {
            named.start();
            for name in names {
                named.push(name, 1.0);
            }
            assert_eq!(named.duplicate(), None);
            named.settle(&mut layouts);
            let layout = Arc::clone(named.layout().unwrap());
            assert!(
                layout
                    .names()
                    .iter()
                    .map(|name| &**name)
                    .eq(names.iter().copied())
            );
            seen.push(layout);
        }
        assert!(Arc::ptr_eq(&seen[0], &seen[2]) && Arc::ptr_eq(&seen[0], &seen[6]));
        assert_eq!(layouts.len(), 5);
    }

    #[test]
    fn names_that_come_twice_are_seen_in_short_and_long_objects() {
        for count in [3, 40] {
            let mut named = NamedValues::default();
            named.start();
            for index in 0..count {
                named.push(&format!("n{index}"), 0.0);
            }
            assert_eq!(named.duplicate(), None);
            named.push("n1", 0.0);
            assert_eq!(named.duplicate(), Some("n1"));
        }
    }

    #[test]
    fn the_cache_is_bounded() {
        let mut layouts = Layouts::default();
        for index in 0..MAX_LAYOUTS + 10 {
            layouts.named(&[format!("n{index}").as_str()].into_iter());
        }
        assert_eq!(layouts.len(), 10);
    }
}
