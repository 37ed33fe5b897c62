//! The exporter's own instruments as text: few lines, made at every scrape.
//!
//! The `prometheus` crate encodes text 0.0.4 only; OpenMetrics wants another
//! header for counters. The sample lines are the same, and the crate's encoder
//! judges them in tests.

use prometheus::proto::{Metric, MetricFamily, MetricType};

use super::text::{push_float, push_integer, push_label};

/// Appends the sample lines of a family.
pub(super) fn push_samples(out: &mut Vec<u8>, family: &MetricFamily) {
    let name = family.name();
    for metric in family.get_metric() {
        match family.get_field_type() {
            MetricType::COUNTER => sample(out, name, "", metric, None, metric.get_counter().get_value()),
            MetricType::HISTOGRAM => histogram(out, name, metric),
            _ => sample(out, name, "", metric, None, metric.get_gauge().get_value()),
        }
    }
}

fn histogram(out: &mut Vec<u8>, name: &str, metric: &Metric) {
    let histogram = metric.get_histogram();
    for bucket in histogram.get_bucket() {
        let mut bound = Vec::new();
        push_float(&mut bound, bucket.upper_bound());
        let bound = String::from_utf8_lossy(&bound).into_owned();
        sample(out, name, "_bucket", metric, Some(("le", &bound)), bucket.cumulative_count() as f64);
    }
    let count = histogram.get_sample_count();
    sample(out, name, "_bucket", metric, Some(("le", "+Inf")), count as f64);
    sample(out, name, "_sum", metric, None, histogram.get_sample_sum());
    sample(out, name, "_count", metric, None, count as f64);
}

fn sample(out: &mut Vec<u8>, name: &str, suffix: &str, metric: &Metric, more: Option<(&str, &str)>, value: f64) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(suffix.as_bytes());
    let labels = metric.get_label().iter().map(|pair| (pair.name(), pair.value())).chain(more);
    let mut separator = b'{';
    for (name, value) in labels {
        out.push(separator);
        push_label(out, name, value);
        separator = b',';
    }
    if separator == b',' {
        out.push(b'}');
    }
    out.push(b' ');
    if value.fract() == 0.0 && value.abs() < 9e15 {
        #[expect(clippy::cast_possible_truncation, reason = "whole and within the range of i64")]
        push_integer(out, value as i64);
    } else {
        push_float(out, value);
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use prometheus::{Encoder as _, TextEncoder};

    use super::*;
    use crate::model::{Endpoint, PartnerId};
    use crate::telemetry::Telemetry;

    #[test]
    fn own_families_are_the_lines_that_the_crates_encoder_writes() {
        let telemetry = Telemetry::new();
        let partner = telemetry.partner(&PartnerId::from("a \"quoted\"\npartner\\"));
        partner.request(Endpoint::Clients, std::time::Duration::from_millis(120));
        partner.budget(2.5);
        telemetry.http_request("/metrics", 200);
        let families = telemetry.gather();
        let mut ours = Vec::new();
        for family in &families {
            push_samples(&mut ours, family);
        }
        let theirs = TextEncoder::new().encode_to_string(&families).unwrap();
        let samples: String = theirs.lines().filter(|l| !l.starts_with('#')).map(|l| format!("{l}\n")).collect();
        assert_eq!(String::from_utf8(ours).unwrap(), samples);
        let mut buffer = Vec::new();
        TextEncoder::new().encode(&families, &mut buffer).unwrap();
    }
}
