/// Four 32-bit numbers that go through the machine together; sums are in one order.
#[derive(Clone, Copy, Debug)]
#[repr(align(16))]
pub(super) struct Four([f32; 4]);

impl Four {
    #[inline(always)]
    pub(super) fn all(x: f32) -> Self {
        Self([x; 4])
    }

    #[inline(always)]
    pub(super) fn of(numbers: [f32; 4]) -> Self {
        Self(numbers)
    }

    #[inline(always)]
    pub(super) fn numbers(self) -> [f32; 4] {
        self.0
    }

    #[inline(always)]
    fn with(self, other: Self, change: impl Fn(f32, f32) -> f32) -> Self {
        Self(std::array::from_fn(|lane| {
            change(self.0[lane], other.0[lane])
        }))
    }

    #[inline(always)]
    pub(super) fn min(self, other: Self) -> Self {
        self.with(other, |a, b| if a < b { a } else { b })
    }

    #[inline(always)]
    pub(super) fn max(self, other: Self) -> Self {
        self.with(other, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    pub(super) fn add(self, other: Self) -> Self {
        self.with(other, |a, b| a + b)
    }

    #[inline(always)]
    pub(super) fn sub(self, other: Self) -> Self {
        self.with(other, |a, b| a - b)
    }

    #[inline(always)]
    pub(super) fn mul(self, other: Self) -> Self {
        self.with(other, |a, b| a * b)
    }

    /// (first + third) + (second + fourth).
    #[inline(always)]
    pub(super) fn sum(self) -> f32 {
        let [a, b, c, d] = self.0;
        (a + c) + (b + d)
    }
}
