//! Several tests at once.

/// Corrects p-values for their number by Holm's method, in place: the chance of even one false alarm among all stays below the level.
///
/// Holm and not Benjamini–Hochberg, which bounds the share of false ones among those named: without drift all that are named are
/// false, and each is an alarm. It needs no independence of the features, and is never weaker than Bonferroni's.
///
/// # References
/// Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 1979.
pub fn holm(p_values: &mut [f64]) {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]).then(a.cmp(b)));
    let mut largest: f64 = 0.0;
    for (rank, &at) in order.iter().enumerate() {
        let left = (p_values.len() - rank) as f64;
        largest = largest.max((p_values[at] * left).min(1.0));
        p_values[at] = largest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_is_multiplied_by_all_and_order_is_kept() {
        let mut p = [0.01, 0.04, 0.03, 0.005];
        holm(&mut p);
        for (found, expected) in p.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((found - expected).abs() < 1e-15, "{p:?}");
        }
    }
}
