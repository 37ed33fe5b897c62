//! Content negotiation: which format, which encoding.
//!
//! `Accept` is a q-weighted list; the best *supported* entry wins, the first of
//! equals. Nothing acceptable, nonsense, `*/*` and no header at all mean text
//! 0.0.4, which every scraper reads. Sources: Prometheus's "Content negotiation"
//! and "Escaping schemes" documents, RFC 9110 sections 12.4 and 12.5.

use std::fmt;

/// A format of the exposition. All four hold the same sample lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// `text/plain; version=0.0.4`
    #[default]
    Text004,
    /// `text/plain; version=1.0.0`
    Text100(Escaping),
    /// `application/openmetrics-text; version=0.0.1`
    OpenMetrics001,
    /// `application/openmetrics-text; version=1.0.0`
    OpenMetrics100(Escaping),
}

/// How names beyond the classic alphabet would be escaped. Ours are all within
/// it, so this is only echoed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Escaping {
    /// `allow-utf-8`
    AllowUtf8,
    /// `underscores`
    #[default]
    Underscores,
    /// `dots`
    Dots,
    /// `values`
    Values,
}

impl Escaping {
    fn parse(value: &str) -> Self {
        match value {
            "allow-utf-8" => Self::AllowUtf8,
            "dots" => Self::Dots,
            "values" => Self::Values,
            _ => Self::Underscores,
        }
    }
}

impl fmt::Display for Escaping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AllowUtf8 => "allow-utf-8",
            Self::Underscores => "underscores",
            Self::Dots => "dots",
            Self::Values => "values",
        })
    }
}

impl Format {
    /// Whether counters are declared without `_total` and `# EOF` ends the body.
    pub fn is_openmetrics(self) -> bool {
        matches!(self, Self::OpenMetrics001 | Self::OpenMetrics100(_))
    }

    /// The `Content-Type`.
    pub fn content_type(self) -> String {
        match self {
            Self::Text004 => "text/plain; version=0.0.4; charset=utf-8".to_owned(),
            Self::Text100(escaping) => format!("text/plain; version=1.0.0; charset=utf-8; escaping={escaping}"),
            Self::OpenMetrics001 => "application/openmetrics-text; version=0.0.1; charset=utf-8".to_owned(),
            Self::OpenMetrics100(escaping) => {
                format!("application/openmetrics-text; version=1.0.0; charset=utf-8; escaping={escaping}")
            }
        }
    }
}

/// Chooses the format for an `Accept` header.
///
/// ```
/// use d360_exporter::exposition::negotiate;
///
/// // Prometheus 3 prefers OpenMetrics; a browser gets text.
/// assert!(negotiate("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5").is_openmetrics());
/// assert!(!negotiate("text/html,*/*;q=0.8").is_openmetrics());
/// ```
pub fn negotiate(accept: &str) -> Format {
    let mut best = (0.0, Format::default());
    for entry in accept.split(',') {
        if let Some((quality, format)) = media_range(entry)
            && quality > best.0
        {
            best = (quality, format);
        }
    }
    best.1
}

/// One entry of `Accept`, if it is one that we can serve.
fn media_range(entry: &str) -> Option<(f32, Format)> {
    let mut parts = entry.split(';').map(str::trim);
    let media = parts.next()?;
    let (mut quality, mut version, mut escaping) = (1.0, None, Escaping::default());
    for parameter in parts {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value = value.trim().trim_matches('"');
        match name.trim().to_ascii_lowercase().as_str() {
            "q" => quality = qvalue(value)?,
            "version" => version = Some(value),
            "escaping" => escaping = Escaping::parse(value),
            _ => {}
        }
    }
    let is = |name: &str| media.eq_ignore_ascii_case(name);
    let format = if is("application/openmetrics-text") {
        match version {
            None | Some("0.0.1") => Format::OpenMetrics001,
            Some("1.0.0") => Format::OpenMetrics100(escaping),
            Some(_) => return None,
        }
    } else if is("text/plain") {
        match version {
            None | Some("0.0.4") => Format::Text004,
            Some("1.0.0") => Format::Text100(escaping),
            Some(_) => return None,
        }
    } else if is("*/*") || is("text/*") {
        Format::Text004
    } else {
        return None;
    };
    Some((quality, format))
}

/// A weight from 0 to 1; `None` if malformed.
fn qvalue(text: &str) -> Option<f32> {
    text.parse().ok().filter(|q| (0.0..=1.0).contains(q))
}

/// Whether an `Accept-Encoding` header allows gzip.
///
/// ```
/// use d360_exporter::exposition::accepts_gzip;
///
/// assert!(accepts_gzip("deflate, gzip;q=0.5"));
/// assert!(!accepts_gzip("gzip;q=0, *"));
/// ```
pub fn accepts_gzip(accept_encoding: &str) -> bool {
    let (mut gzip, mut any) = (None, None);
    for entry in accept_encoding.split(',') {
        let mut parts = entry.split(';').map(str::trim);
        let coding = parts.next().unwrap_or_default();
        let quality = parts
            .filter_map(|p| p.split_once('='))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
            .map_or(Some(1.0), |(_, value)| qvalue(value.trim()));
        let allowed = quality.is_some_and(|q| q > 0.0);
        if coding.eq_ignore_ascii_case("gzip") || coding.eq_ignore_ascii_case("x-gzip") {
            gzip = Some(allowed);
        } else if coding == "*" {
            any = Some(allowed);
        }
    }
    gzip.or(any).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_supported_entry_wins() {
        let cases = [
            ("", Format::Text004),
            ("*/*", Format::Text004),
            ("text/html", Format::Text004),
            ("text/plain;version=0.0.4", Format::Text004),
            ("text/plain; version=1.0.0; escaping=dots", Format::Text100(Escaping::Dots)),
            ("application/openmetrics-text", Format::OpenMetrics001),
            ("application/openmetrics-text;version=1.0.0", Format::OpenMetrics100(Escaping::Underscores)),
            (
                "application/openmetrics-text;version=2.0.0,application/openmetrics-text;version=0.0.1;q=0.5",
                Format::OpenMetrics001,
            ),
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
                Format::OpenMetrics100(Escaping::AllowUtf8),
            ),
            (
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,text/plain;q=0.1",
                Format::Text004,
            ),
            ("application/openmetrics-text;version=1.0.0;q=0,text/plain;q=0.1", Format::Text004),
            ("application/openmetrics-text;version=1.0.0;q=banana", Format::Text004),
            ("application/openmetrics-text;version=1.0.0;q=NaN", Format::Text004),
            (
                "APPLICATION/OpenMetrics-Text; VERSION=\"1.0.0\"; Escaping=nonsense",
                Format::OpenMetrics100(Escaping::Underscores),
            ),
        ];
        for (accept, format) in cases {
            assert_eq!(negotiate(accept), format, "{accept}");
        }
    }

    #[test]
    fn sixty_four_kibibytes_of_commas_are_text() {
        assert_eq!(negotiate(&",".repeat(65_536)), Format::Text004);
        assert!(!accepts_gzip(&",".repeat(65_536)));
    }

    #[test]
    fn gzip_is_used_only_where_it_is_allowed() {
        let allowed = ["gzip", "GZIP", "deflate, gzip;q=0.5", "*", "*;q=0.1", "br;q=1.0, gzip;q=0.8, *;q=0"];
        let refused = ["", "identity", "gzip;q=0", "gzip;q=0.0, *", "*;q=0", "gzip;q=x", "xgzip", "br"];
        for header in allowed {
            assert!(accepts_gzip(header), "{header}");
        }
        for header in refused {
            assert!(!accepts_gzip(header), "{header}");
        }
    }
}
