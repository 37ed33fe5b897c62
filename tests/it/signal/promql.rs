//! What a PromQL expression reads and returns: every name in it is followed to where it comes from, and a name that
//! nothing provides is a finding. Prometheus itself responses such an expression with nothing at all.

use std::collections::{BTreeMap, BTreeSet};

use d360_exporter::catalogue::{FAMILIES, Kind};
use d360_exporter::model::{Endpoint, Reason};
use promql_parser::label::{MatchOp, Matchers};
use promql_parser::parser::value::ValueType;
use promql_parser::parser::{
    AggregateExpr, BinaryExpr, Call, Expr, LabelModifier, VectorMatchCardinality, VectorSelector, parse,
};

use super::files;

/// The labels that a series can have.
pub(super) type Labels = BTreeSet<String>;

/// The labels that every scraped series has.
const TARGET: [&str; 2] = ["job", "instance"];

/// Closed lists of label values: of every family, or of the one named.
fn values(family: &str, label: &str) -> Option<Vec<&'static str>> {
    let values = match (family, label) {
        ("d360_channel_availability_status", "status") => vec!["ready", "setting_up", "error", "unknown"],
        ("d360_channel_quality_rating", "rating") => vec!["high", "medium", "low", "na", "unknown"],
        ("d360_channel_transitions_total", "field") => {
            vec!["availability_status", "quality_rating", "messaging_limit", "status"]
        }
        ("d360_channel_gone_timestamp_seconds", "reason") => {
            vec!["disappeared", "cancelled", "transferred", "never_ready", "client_gone"]
        }
        ("d360_channel_last_change_timestamp_seconds", "field") => vec![
            "availability_status",
            "quality_rating",
            "messaging_limit",
            "status",
            "last_quality_event",
            "waba_account_status",
        ],
        ("d360_channel_last_change_timestamp_seconds", "direction") => vec!["worse", "better", "other"],
        ("d360_api_rejected_items_total", "reason") => vec!["unreadable", "duplicate", "ownerless", "foreign"],
        (_, "endpoint") => Endpoint::TEXTS.to_vec(),
        (_, "reason") => Reason::ALL.iter().map(|r| r.as_str()).collect(),
        _ => return None,
    };
    Some(values)
}

/// Every series that exists, with its labels.
#[derive(Debug)]
pub(super) struct Known(BTreeMap<String, Labels>);

fn labels<'a>(names: impl IntoIterator<Item = &'a str>) -> Labels {
    names.into_iter().map(str::to_owned).collect()
}

/// Families that rules and dashboards may read before the exporter has them, with their labels. Rules about a family that is
/// not there stay silent.
pub(crate) const AHEAD: &[(&str, &[&str])] = &[];

impl Known {
    /// What Prometheus gets from a scrape, and what the rules record.
    pub(super) fn new() -> Self {
        let mut known = Self(BTreeMap::from([("up".to_owned(), labels(TARGET))]));
        // What Prometheus writes about alerts: here with the labels that alerts about channels have.
        let alert = ["alertname", "severity", "partner_id", "client_id", "channel_id"];
        known.0.insert("ALERTS_FOR_STATE".to_owned(), labels(alert));
        known.0.insert("ALERTS".to_owned(), labels(alert.into_iter().chain(["alertstate"])));
        for family in FAMILIES {
            let own = labels(family.labels.iter().copied().chain(TARGET));
            if family.kind == Kind::Histogram {
                let with_le = own.iter().cloned().chain(["le".to_owned()]).collect();
                known.0.insert(format!("{}_bucket", family.name), with_le);
                known.0.insert(format!("{}_sum", family.name), own.clone());
                known.0.insert(format!("{}_count", family.name), own);
            } else {
                known.0.insert(family.name.to_owned(), own);
            }
        }
        for (name, ahead) in AHEAD {
            known.0.entry((*name).to_owned()).or_default().extend(labels(ahead.iter().copied().chain(TARGET)));
        }
        // A recording rule may read another one, and itself: until nothing is learnt any more.
        let recorded: Vec<_> = files::rules().into_iter().filter(|rule| rule.record.is_some()).collect();
        for rule in &recorded {
            known.0.insert(rule.name().to_owned(), Labels::new());
        }
        loop {
            let before = known.0.clone();
            for rule in &recorded {
                let (mut learnt, _) = known.judge(&rule.expr);
                learnt.extend(rule.labels.keys().cloned());
                known.0.entry(rule.name().to_owned()).or_default().extend(learnt);
            }
            if known.0 == before {
                return known;
            }
        }
    }

    /// Whether a series of this name exists.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The labels that an expression can return, and what is wrong with it.
    pub(super) fn judge(&self, expr: &str) -> (Labels, Vec<String>) {
        let mut judge = Judge { known: self, findings: Vec::new() };
        let labels = match parse(&files::expand(expr)) {
            Ok(expr) => judge.labels(&expr),
            Err(why) => {
                judge.findings.push(format!("not valid PromQL: {why}"));
                Labels::new()
            }
        };
        (labels, judge.findings)
    }
}

struct Judge<'a> {
    known: &'a Known,
    findings: Vec<String>,
}

impl Judge<'_> {
    fn labels(&mut self, expr: &Expr) -> Labels {
        match expr {
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => Labels::new(),
            Expr::Paren(inner) => self.labels(&inner.expr),
            Expr::Unary(inner) => self.labels(&inner.expr),
            Expr::Subquery(inner) => self.labels(&inner.expr),
            Expr::VectorSelector(selector) => self.selector(selector),
            Expr::MatrixSelector(selector) => self.selector(&selector.vs),
            Expr::Aggregate(aggregate) => self.aggregate(aggregate),
            Expr::Call(call) => self.call(call),
            Expr::Binary(binary) => self.binary(binary),
        }
    }

    fn wanted<'l>(&mut self, what: &str, wanted: impl IntoIterator<Item = &'l String>, there: &Labels, of: &Expr) {
        for label in wanted {
            if !there.contains(label) {
                self.findings.push(format!("{what} names {label}, found only {there:?} in {of}"));
            }
        }
    }

    fn selector(&mut self, selector: &VectorSelector) -> Labels {
        let name = selector.name.as_deref().unwrap_or_default();
        let Some(known) = self.known.0.get(name).cloned() else {
            self.findings.push(format!("expected a family of the exporter or a recorded series, found {name:?}"));
            return Labels::new();
        };
        let Matchers { matchers, or_matchers } = &selector.matchers;
        for matcher in matchers.iter().chain(or_matchers.iter().flatten()) {
            if !known.contains(&matcher.name) {
                self.findings.push(format!("{name} has the labels {known:?}, found {} in {selector}", matcher.name));
            }
            let Some(closed) = values(name, &matcher.name) else { continue };
            let named: Vec<_> = match matcher.op {
                MatchOp::Equal | MatchOp::NotEqual => vec![matcher.value.as_str()],
                MatchOp::Re(_) | MatchOp::NotRe(_) => matcher.value.split('|').collect(),
            };
            for value in named.into_iter().filter(|value| !value.starts_with('$') && !closed.contains(value)) {
                self.findings.push(format!("{} is one of {closed:?}, found {value:?} in {selector}", matcher.name));
            }
        }
        known
    }

    fn aggregate(&mut self, aggregate: &AggregateExpr) -> Labels {
        let inner = self.labels(&aggregate.expr);
        if let Some(param) = &aggregate.param {
            self.labels(param);
        }
        if let Some(modifier) = &aggregate.modifier {
            self.wanted("an aggregation", &modifier.labels().labels, &inner, &aggregate.expr);
        }
        let mut kept = match &aggregate.modifier {
            None => Labels::new(),
            Some(LabelModifier::Include(by)) => by.labels.iter().cloned().collect(),
            Some(LabelModifier::Exclude(without)) => {
                inner.iter().filter(|label| !without.labels.contains(label)).cloned().collect()
            }
        };
        match (aggregate.op.to_string().as_str(), aggregate.param.as_deref()) {
            ("topk" | "bottomk", _) => inner,
            ("count_values", Some(Expr::StringLiteral(label))) => {
                kept.insert(label.val.clone());
                kept
            }
            _ => kept,
        }
    }

    fn call(&mut self, call: &Call) -> Labels {
        let mut result = None;
        for argument in &call.args.args {
            let labels = self.labels(argument);
            if matches!(argument.value_type(), ValueType::Vector | ValueType::Matrix) && result.is_none() {
                result = Some(labels);
            }
        }
        let mut result = result.unwrap_or_default();
        let argument = |nth: usize| call.args.args.get(nth).map(|argument| &**argument);
        match call.func.name {
            "scalar" | "vector" | "time" => Labels::new(),
            "histogram_quantile" => {
                result.remove("le");
                result
            }
            "absent" | "absent_over_time" => match argument(0) {
                Some(Expr::VectorSelector(s)) => equal_labels(&s.matchers),
                Some(Expr::MatrixSelector(s)) => equal_labels(&s.vs.matchers),
                _ => Labels::new(),
            },
            "label_replace" | "label_join" => {
                if let Some(Expr::StringLiteral(label)) = argument(1) {
                    result.insert(label.val.clone());
                }
                result
            }
            _ => result,
        }
    }

    fn binary(&mut self, binary: &BinaryExpr) -> Labels {
        let (left, right) = (self.labels(&binary.lhs), self.labels(&binary.rhs));
        let scalar = |expr: &Expr| expr.value_type() == ValueType::Scalar;
        if scalar(&binary.lhs) {
            return right;
        }
        if scalar(&binary.rhs) {
            return left;
        }
        let matching = binary.modifier.as_ref().and_then(|modifier| modifier.matching.as_ref());
        if let Some(LabelModifier::Include(on)) = matching {
            self.wanted("on ()", &on.labels, &left, &binary.lhs);
            self.wanted("on ()", &on.labels, &right, &binary.rhs);
        }
        if binary.op.is_set_operator() {
            return match binary.op.to_string().as_str() {
                "or" => left.union(&right).cloned().collect(),
                _ => left,
            };
        }
        match binary.modifier.as_ref().map(|modifier| &modifier.card) {
            Some(VectorMatchCardinality::ManyToOne(extra)) => {
                self.wanted("group_left", &extra.labels, &right, &binary.rhs);
                left.into_iter().chain(extra.labels.iter().cloned()).collect()
            }
            Some(VectorMatchCardinality::OneToMany(extra)) => {
                self.wanted("group_right", &extra.labels, &left, &binary.lhs);
                right.into_iter().chain(extra.labels.iter().cloned()).collect()
            }
            _ => match matching {
                Some(LabelModifier::Include(on)) => on.labels.iter().cloned().collect(),
                Some(LabelModifier::Exclude(ignored)) => {
                    left.into_iter().filter(|label| !ignored.labels.contains(label)).collect()
                }
                None if left != right => {
                    let why = format!("{left:?} and {right:?} never match without on (): {binary}");
                    self.findings.push(why);
                    left
                }
                None => left,
            },
        }
    }
}

fn equal_labels(matchers: &Matchers) -> Labels {
    let equal = matchers.matchers.iter().filter(|matcher| matcher.op == MatchOp::Equal);
    equal.map(|matcher| matcher.name.clone()).collect()
}

/// Gets a selector, the function around it, and its range in seconds.
type Visitor<'v> = dyn FnMut(&VectorSelector, Option<&str>, Option<u64>) + 'v;

/// Calls `visit` with every selector of an expression.
pub(super) fn selectors(expr: &Expr, visit: &mut Visitor<'_>) {
    fn visit_all(expr: &Expr, inside: Option<&str>, visit: &mut Visitor<'_>) {
        match expr {
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
            Expr::Paren(inner) => visit_all(&inner.expr, None, visit),
            Expr::Unary(inner) => visit_all(&inner.expr, None, visit),
            Expr::Subquery(inner) => visit_all(&inner.expr, None, visit),
            Expr::VectorSelector(selector) => visit(selector, inside, None),
            Expr::MatrixSelector(selector) => visit(&selector.vs, inside, Some(selector.range.as_secs())),
            Expr::Aggregate(aggregate) => {
                visit_all(&aggregate.expr, None, visit);
                if let Some(param) = &aggregate.param {
                    visit_all(param, None, visit);
                }
            }
            Expr::Binary(binary) => {
                visit_all(&binary.lhs, None, visit);
                visit_all(&binary.rhs, None, visit);
            }
            Expr::Call(call) => call.args.args.iter().for_each(|a| visit_all(a, Some(call.func.name), visit)),
        }
    }
    visit_all(expr, None, visit);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(expr: &str) -> Vec<String> {
        Known::new().judge(expr).1
    }

    #[test]
    fn a_family_that_does_not_exist_is_found() {
        assert_eq!(
            findings("d360_channel_quality"),
            [r#"expected a family of the exporter or a recorded series, found "d360_channel_quality""#]
        );
    }

    #[test]
    fn a_label_that_the_family_does_not_have_is_found_wherever_it_is_named() {
        for expr in [
            r#"d360_partner_up{client_id="c"}"#,
            "sum by (client_id) (d360_partner_up)",
            "d360_partner_up and on (client_id) d360_client_up",
            "d360_client_up * on (partner_id) group_left (client_name) d360_partner_up",
            "sum by (client_id) (sum by (partner_id) (d360_client_up))",
        ] {
            assert_eq!(findings(expr).len(), 1, "{expr}: {:?}", findings(expr));
        }
    }

    #[test]
    fn a_value_outside_a_closed_list_is_found() {
        assert_eq!(findings(r#"d360_channel_quality_rating{rating=~"low|hgih"}"#).len(), 1);
        assert_eq!(findings(r#"d360_api_request_failures_total{reason="401"}"#).len(), 1);
    }

    #[test]
    fn sides_that_can_never_match_are_found() {
        assert_eq!(findings("d360_client_up * d360_partner_up").len(), 1);
    }

    #[test]
    fn labels_come_through_joins_and_aggregations() {
        let expr = "max by (partner_id, client_id) (d360_client_up) \
                    * on (partner_id, client_id) group_left (client_name) client:d360_client_info:names";
        let (labels, findings) = Known::new().judge(expr);
        assert_eq!(
            (Vec::from_iter(labels), findings),
            (vec!["client_id".to_owned(), "client_name".to_owned(), "partner_id".to_owned()], vec![])
        );
    }
}
