//! Variables that are no flag: those of proxies, which the HTTP client reads,
//! and those that look like ours and are not.

use url::Url;

use super::error::ErrorList;
use super::flags::{FLAGS, LOG_FLAGS};
use super::{API_KEY_VARIABLE, Environment};

/// Variables that name a proxy, in the writings that are in use. `HTTP_PROXY` is
/// none of them: plain HTTP is for loopback alone, and goes through no proxy.
const PROXY_VARIABLES: &[&str] = &["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// Schemes of proxies that are built in.
const PROXY_SCHEMES: &[&str] = &["http", "https"];

/// Checks what the HTTP client would silently leave out. The value is not shown:
/// it may hold a password.
pub(super) fn check_proxies(env: Environment<'_>, errors: &mut ErrorList) {
    for &name in PROXY_VARIABLES {
        let Some(value) = env(name).filter(|value| !value.trim().is_empty()) else { continue };
        // As curl has it, a proxy without a scheme speaks HTTP.
        let value = if value.contains("://") { value } else { format!("http://{value}") };
        let scheme = Url::parse(&value).ok().filter(|url| url.has_host()).map(|url| url.scheme().to_owned());
        let found = match &scheme {
            Some(scheme) if PROXY_SCHEMES.contains(&scheme.as_str()) => continue,
            Some(scheme) => format!("found the scheme `{scheme}`"),
            None => "found something else".to_owned(),
        };
        errors.push(
            name,
            &format!(
                "expected the URL of a proxy such as `http://proxy.example:3128`, {found}; correct it or unset the variable"
            ),
        );
    }
}

/// The names among `variables` that begin as ours do and that no flag knows.
/// What Kubernetes adds for a service named `d360…` is no matter.
pub fn unknown_variables(variables: impl Iterator<Item = String>) -> Vec<String> {
    let known =
        |name: &str| name == API_KEY_VARIABLE || FLAGS.iter().chain(LOG_FLAGS).any(|flag| flag.variable == name);
    let mut unknown: Vec<String> =
        variables.filter(|name| name.starts_with("D360_") && !known(name) && !is_of_a_service(name)).collect();
    unknown.sort();
    unknown
}

/// `*_SERVICE_HOST`, `*_SERVICE_PORT*`, `*_PORT`, `*_PORT_*_TCP*` (or `_UDP`).
fn is_of_a_service(name: &str) -> bool {
    let of_a_port = |protocol: &str| name.split_once("_PORT_").is_some_and(|(_, rest)| rest.contains(protocol));
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.ends_with("_PORT")
        || of_a_port("_TCP")
        || of_a_port("_UDP")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_variables_are_those_that_no_flag_and_no_service_of_kubernetes_has() {
        let names = [
            "D360_POLL_INTERVL",
            "D360_POLL_INTERVAL",
            "D360_API_KEY",
            "D360_LOG_LEVEL",
            "D360_EXPORTER_SERVICE_HOST",
            "D360_EXPORTER_SERVICE_PORT_HTTP",
            "D360_EXPORTER_PORT",
            "D360_EXPORTER_PORT_10360_TCP_ADDR",
            "D360_CONCURRENCY",
            "PATH",
        ];
        let unknown = unknown_variables(names.into_iter().map(str::to_owned));
        assert_eq!(unknown, ["D360_CONCURRENCY", "D360_POLL_INTERVL"]);
    }

    #[test]
    fn a_proxy_that_would_be_left_out_is_an_error_that_does_not_show_it() {
        let errors = |value: &'static str| {
            let mut errors = ErrorList::default();
            check_proxies(&|name| (name == "HTTPS_PROXY").then(|| value.to_owned()), &mut errors);
            errors.finish(Some(())).map_or_else(|e| e.to_string(), |()| String::new())
        };
        for good in ["", " ", "http://proxy:3128", "https://user:canary@proxy", "proxy:3128", "10.0.0.1"] {
            assert_eq!(errors(good), "", "{good}");
        }
        let expected = "HTTPS_PROXY: expected the URL of a proxy such as `http://proxy.example:3128`, found";
        assert_eq!(errors("not a url canary"), format!("{expected} something else; correct it or unset the variable"));
        for scheme in ["ftp", "socks5"] {
            let value: &'static str = format!("{scheme}://user:canary@proxy").leak();
            let message = format!("{expected} the scheme `{scheme}`; correct it or unset the variable");
            assert_eq!(errors(value), message);
        }
    }
}
