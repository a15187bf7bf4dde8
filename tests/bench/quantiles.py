"""Quantiles for the benches: of values, and of a histogram of the service's."""

SHARES = (0.5, 0.9, 0.99)


def of_values(values_s):
    values_s = sorted(values_s)
    parts = [f"p{share * 100:.0f} {values_s[min(len(values_s) - 1, int(len(values_s) * share))] * 1e3:.2f}" for share in SHARES]
    return f"{', '.join(parts)}, worst {values_s[-1] * 1e3:.1f} ms of {len(values_s)}"


def of_histogram(before, after):
    """Both {upper bound in seconds: count up to it}, of Prometheus. Within a bucket values are taken to be spread evenly, so a quantile is not closer than its bounds."""
    bounds = sorted(after)
    counts = [after[b] - before.get(b, 0) for b in bounds]
    total, parts = counts[-1], []
    if total == 0:
        return "none"
    for share in SHARES:
        at = next(i for i, n in enumerate(counts) if n >= share * total)
        low, below = (bounds[at - 1], counts[at - 1]) if at else (0.0, 0)
        if bounds[at] == float("inf"):
            parts.append(f"p{share * 100:.0f} > {low * 1e3:g}")
            continue
        value = low + (bounds[at] - low) * (share * total - below) / (counts[at] - below)
        parts.append(f"p{share * 100:.0f} {value * 1e3:.2f} ({low * 1e3:g} to {bounds[at] * 1e3:g})")
    return f"{', '.join(parts)} ms of {total:.0f}"
