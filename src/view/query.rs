//! The parameters of pages and of the JSON API, which `channels list` has as
//! flags: each repeatable or comma-separated, nothing unknown accepted.

use std::fmt::Write as _;

use super::{ChannelRow, Search};
use crate::model::{Availability, LifecycleStatus, QualityRating};

/// Items of a page, unless `per_page` says otherwise.
pub const PER_PAGE: usize = 100;

/// Most items of a page.
pub const MAX_PER_PAGE: usize = 500;

/// Bytes that a value may have: more is no name, number or id.
const MAX_VALUE: usize = 512;

/// The least time between two loads of a page that reloads itself, in seconds.
const MIN_REFRESH: u64 = 5;

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    /// Search text.
    Q,
    /// Partner ids.
    Partner,
    /// Client ids.
    Client,
    /// Availability states.
    Availability,
    /// Quality ratings.
    Rating,
    /// Lifecycle statuses.
    Status,
    /// Statuses of WhatsApp business accounts.
    WabaStatus,
    /// Fields that changed.
    Field,
    /// Only what needs a person.
    Attention,
    /// What to sort by.
    Sort,
    /// Number of the page, from 1.
    Page,
    /// Items of a page.
    PerPage,
    /// Seconds until the page loads itself again.
    Refresh,
}

impl Parameter {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Q => "q",
            Self::Partner => "partner",
            Self::Client => "client",
            Self::Availability => "availability",
            Self::Rating => "rating",
            Self::Status => "status",
            Self::WabaStatus => "waba_status",
            Self::Field => "field",
            Self::Attention => "attention",
            Self::Sort => "sort",
            Self::Page => "page",
            Self::PerPage => "per_page",
            Self::Refresh => "refresh",
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Texts to find.
    pub search: Search,
    /// Partners; empty for all. So are the other lists.
    pub partners: Vec<String>,
    /// Clients.
    pub clients: Vec<String>,
    /// Availability states.
    pub availability: Vec<Availability>,
    /// Quality ratings.
    pub ratings: Vec<QualityRating>,
    /// Statuses: lifecycle statuses of channels, any text for clients.
    pub statuses: Vec<String>,
    /// Statuses of WhatsApp business accounts, lower case.
    pub waba_statuses: Vec<String>,
    /// Fields of changes.
    pub fields: Vec<String>,
    /// Only what needs a person.
    pub attention: bool,
    /// What to sort by, as it was written.
    pub sort: Option<String>,
    /// Number of the page, from 1; `None` if it was not said.
    pub page: Option<usize>,
    /// Items of a page.
    pub per_page: usize,
    /// Seconds until the page loads itself again.
    pub refresh: Option<u64>,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            search: Search::default(),
            partners: Vec::new(),
            clients: Vec::new(),
            availability: Vec::new(),
            ratings: Vec::new(),
            statuses: Vec::new(),
            waba_statuses: Vec::new(),
            fields: Vec::new(),
            attention: false,
            sort: None,
            page: None,
            per_page: PER_PAGE,
            refresh: None,
        }
    }
}

impl Query {
    /// Reads the query of an address. `known` are the parameters that make sense
    /// there.
    ///
    /// # Errors
    ///
    /// Names what was expected and what was found.
    pub fn parse(query: &str, known: &[Parameter]) -> Result<Self, String> {
        let mut parsed = Self::default();
        let mut search = String::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let Some(parameter) = known.iter().find(|parameter| parameter.as_str() == name) else {
                let known: Vec<_> = known.iter().map(|parameter| parameter.as_str()).collect();
                return Err(format!("unknown parameter `{}`: expected one of {}", short(&name), known.join(", ")));
            };
            if value.len() > MAX_VALUE {
                return Err(format!("parameter `{name}`: expected at most {MAX_VALUE} bytes, found {}", value.len()));
            }
            if *parameter == Parameter::Q {
                let _ = write!(search, " {value}");
                continue;
            }
            for value in value.split(',').map(str::trim).filter(|value| !value.is_empty()) {
                parsed
                    .take(*parameter, value)
                    .map_err(|expected| format!("parameter `{name}`: expected {expected}, found `{}`", short(value)))?;
            }
        }
        parsed.search = Search::new(&search);
        Ok(parsed)
    }

    /// Takes in one value; the error is what was expected.
    fn take(&mut self, parameter: Parameter, value: &str) -> Result<(), String> {
        match parameter {
            Parameter::Q => self.search = Search::new(value),
            Parameter::Partner => self.partners.push(value.to_owned()),
            Parameter::Client => self.clients.push(value.to_owned()),
            Parameter::Availability => {
                self.availability.push(state(value, Availability::ALL, |state| state.as_str())?);
            }
            Parameter::Rating => self.ratings.push(state(value, QualityRating::ALL, |state| state.as_str())?),
            Parameter::Status => {
                let status = state(value, LifecycleStatus::ALL, |state| state.as_str())?;
                self.statuses.push(status.as_str().to_owned());
            }
            Parameter::WabaStatus => self.waba_statuses.push(value.to_lowercase()),
            Parameter::Field => self.fields.push(value.to_owned()),
            Parameter::Attention => {
                self.attention = match value {
                    "1" => true,
                    "0" => false,
                    _ => return Err("`1` or `0`".to_owned()),
                };
            }
            Parameter::Sort => self.sort = Some(value.to_owned()),
            Parameter::Page => self.page = Some(number(value, 1, usize::MAX as u64)? as usize),
            Parameter::PerPage => self.per_page = number(value, 1, MAX_PER_PAGE as u64)? as usize,
            Parameter::Refresh => self.refresh = Some(number(value, MIN_REFRESH, 86_400)?),
        }
        Ok(())
    }

    /// Whether nothing narrows the list down.
    pub fn is_unfiltered(&self) -> bool {
        let Self { search, partners, clients, availability, ratings, statuses, waba_statuses, fields, .. } = self;
        search.is_empty()
            && !self.attention
            && [partners, clients, statuses, waba_statuses, fields].iter().all(|list| list.is_empty())
            && availability.is_empty()
            && ratings.is_empty()
    }

    /// Whether a channel is asked for.
    pub fn matches(&self, row: &ChannelRow) -> bool {
        let any = |list: &[String], value: Option<&str>| {
            list.is_empty() || value.is_some_and(|value| list.iter().any(|wanted| wanted == value))
        };
        any(&self.partners, Some(row.partner.as_str()))
            && any(&self.clients, row.client_id().map(|id| id.as_str()))
            && (self.availability.is_empty() || self.availability.contains(&row.channel.availability))
            && (self.ratings.is_empty() || self.ratings.contains(&row.channel.quality))
            && any(&self.statuses, Some(row.channel.status.as_str()))
            && any(&self.waba_statuses, row.waba_status())
            && (!self.attention || !row.troubles.is_empty())
            && (self.search.is_empty() || self.search.finds(row.texts(), &row.phone_number))
    }

    /// The query as an address has it, without its `?`; empty if nothing is
    /// asked for.
    pub fn to_text(&self) -> String {
        let mut text = url::form_urlencoded::Serializer::new(String::new());
        let mut put = |parameter: Parameter, values: &[&str]| {
            if !values.is_empty() {
                text.append_pair(parameter.as_str(), &values.join(","));
            }
        };
        fn texts(list: &[String]) -> Vec<&str> {
            list.iter().map(String::as_str).collect()
        }
        if !self.search.is_empty() {
            put(Parameter::Q, &[self.search.text()]);
        }
        put(Parameter::Partner, &texts(&self.partners));
        put(Parameter::Client, &texts(&self.clients));
        put(Parameter::Availability, &self.availability.iter().map(|state| state.as_str()).collect::<Vec<_>>());
        put(Parameter::Rating, &self.ratings.iter().map(|state| state.as_str()).collect::<Vec<_>>());
        put(Parameter::Status, &texts(&self.statuses));
        put(Parameter::WabaStatus, &texts(&self.waba_statuses));
        put(Parameter::Field, &texts(&self.fields));
        if self.attention {
            put(Parameter::Attention, &["1"]);
        }
        if let Some(sort) = &self.sort {
            put(Parameter::Sort, &[sort]);
        }
        if let Some(page) = self.page {
            put(Parameter::Page, &[&page.to_string()]);
        }
        if self.per_page != PER_PAGE {
            put(Parameter::PerPage, &[&self.per_page.to_string()]);
        }
        if let Some(refresh) = self.refresh {
            put(Parameter::Refresh, &[&refresh.to_string()]);
        }
        text.finish()
    }
}

/// Enough of what was found to recognise it.
fn short(text: &str) -> String {
    super::visible(&super::shortened(text, 60)).into_owned()
}

fn state<S: Copy>(value: &str, all: &[S], text: fn(S) -> &'static str) -> Result<S, String> {
    let found = all.iter().copied().find(|state| text(*state).eq_ignore_ascii_case(value));
    found.ok_or_else(|| {
        let known: Vec<_> = all.iter().map(|state| text(*state)).collect();
        format!("one of {}", known.join(", "))
    })
}

fn number(value: &str, min: u64, max: u64) -> Result<u64, String> {
    let number = value.parse().ok().filter(|number| (min..=max).contains(number));
    number.ok_or_else(|| match max {
        86_400 => format!("seconds from {min} to {max}"),
        max if max == usize::MAX as u64 => format!("a number from {min}"),
        max => format!("a number from {min} to {max}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &[Parameter] = &[
        Parameter::Q,
        Parameter::Partner,
        Parameter::Client,
        Parameter::Availability,
        Parameter::Rating,
        Parameter::Status,
        Parameter::WabaStatus,
        Parameter::Attention,
        Parameter::Sort,
        Parameter::Page,
        Parameter::PerPage,
        Parameter::Refresh,
    ];

    fn error(query: &str) -> String {
        Query::parse(query, ALL).unwrap_err()
    }

    #[test]
    fn values_may_be_repeated_or_separated_by_commas() {
        let query = Query::parse("rating=low,medium&rating=na&client=aCL,%20bCL&q=+%2B49+30&q=x&attention=1", ALL);
        let query = query.unwrap();
        assert_eq!(query.ratings, [QualityRating::Low, QualityRating::Medium, QualityRating::Na]);
        assert_eq!(query.clients, ["aCL", "bCL"]);
        assert_eq!((query.search.text(), query.attention), ("+49 30 x", true));
    }

    #[test]
    fn a_query_survives_being_written_and_read() {
        let text = "q=L%C3%B6wen+%26+Co&partner=a&availability=error%2Csetting_up&rating=low&attention=1&sort=-status&page=2&per_page=50&refresh=30";
        assert_eq!(Query::parse(text, ALL).unwrap().to_text(), text);
        assert_eq!(Query::default().to_text(), "");
    }

    #[test]
    fn what_is_unknown_is_refused_with_what_is_known() {
        assert_eq!(
            error("colour=red"),
            "unknown parameter `colour`: expected one of q, partner, client, availability, rating, status, \
             waba_status, attention, sort, page, per_page, refresh"
        );
        assert_eq!(
            error("rating=red"),
            "parameter `rating`: expected one of high, medium, low, na, unknown, found `red`"
        );
        assert_eq!(error("attention=yes"), "parameter `attention`: expected `1` or `0`, found `yes`");
        assert_eq!(error("page=0"), "parameter `page`: expected a number from 1, found `0`");
        assert_eq!(error("per_page=501"), "parameter `per_page`: expected a number from 1 to 500, found `501`");
        for refresh in ["0", "-1", "4", "soon"] {
            let expected = format!("parameter `refresh`: expected seconds from 5 to 86400, found `{refresh}`");
            assert_eq!(error(&format!("refresh={refresh}")), expected);
        }
        assert_eq!(
            error(&format!("q={}", "x".repeat(100_000))),
            "parameter `q`: expected at most 512 bytes, found 100000"
        );
        let long = error(&format!("{}=1", "y".repeat(100_000)));
        assert!(long.len() < 400, "{long}");
    }
}
