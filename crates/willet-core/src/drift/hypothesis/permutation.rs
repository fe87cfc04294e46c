use crate::random::Random;

/// Permutation test of the difference of means, two-sided: chance of a difference at least as large when the values are dealt to the two
/// samples anew. Where there are at most `resamples` ways to deal them all are tried, and the p-value is that of
/// `scipy.stats.permutation_test`; else so many are drawn, and the observed one is counted with them (p is never 0). `None` where a
/// sample is empty or holds what is not finite.
///
/// # References
/// Fisher, "The Design of Experiments", 1935; Phipson, Smyth, "Permutation P-values Should Never Be Zero", 2010.
pub fn permutation_test(a: &[f64], b: &[f64], resamples: u64, random: &mut Random) -> Option<f64> {
    let mut pool: Vec<f64> = a.iter().chain(b).copied().collect();
    if a.is_empty() || b.is_empty() || !pool.iter().all(|x| x.is_finite()) {
        return None;
    }
    Some(permutation_p(&mut pool, a.len(), resamples, random))
}

/// The same of a pool whose first `first` values are the first sample; it comes back in another order.
pub(crate) fn permutation_p(
    pool: &mut [f64],
    first: usize,
    resamples: u64,
    random: &mut Random,
) -> f64 {
    // With the total fixed the difference of means rises with the sum of the first sample: the sum is statistic enough.
    let (n, m) = (first as f64, (pool.len() - first) as f64);
    let total: f64 = pool.iter().sum();
    let difference = |sum: f64| sum / n - (total - sum) / m;
    let observed = difference(pool[..first].iter().sum());
    // The same values summed in another order are the same difference.
    let size = pool.iter().map(|x| x.abs()).fold(0.0, f64::max);
    let same = (1e-14 * observed.abs()).max(1e-15 * size);
    let mut tally = [0_u64; 2];
    let mut count = |sum: f64| {
        let found = difference(sum);
        tally[0] += u64::from(found <= observed + same);
        tally[1] += u64::from(found >= observed - same);
    };
    let all = ways(pool.len(), first, resamples);
    let (less, greater, tried) = if let Some(all) = all {
        deal(pool, first, 0.0, &mut count);
        (tally[0], tally[1], all)
    } else {
        for _ in 0..resamples {
            for i in 0..first {
                let j = i + random.below(pool.len() - i);
                pool.swap(i, j);
            }
            count(pool[..first].iter().sum());
        }
        (tally[0] + 1, tally[1] + 1, resamples + 1)
    };
    (2.0 * less.min(greater) as f64 / tried as f64).min(1.0)
}

/// Ways to choose `k` of `n`, if there are at most `most`.
fn ways(n: usize, k: usize, most: u64) -> Option<u64> {
    let mut ways = 1_u128;
    for i in 0..k.min(n - k) {
        ways = ways * (n - i) as u128 / (i + 1) as u128;
        if ways > u128::from(most) {
            return None;
        }
    }
    u64::try_from(ways).ok()
}

/// Counts the sum of every choice of `left` values.
fn deal(pool: &[f64], left: usize, sum: f64, count: &mut impl FnMut(f64)) {
    if left == 0 {
        count(sum);
        return;
    }
    for i in 0..=pool.len() - left {
        deal(&pool[i + 1..], left - 1, sum + pool[i], count);
    }
}
