//! What a person sees who runs the program for the first time: no arguments, and
//! nothing in the environment.

/// The friendly screen.
pub(super) const WELCOME: &str = "\
d360_exporter turns the state of your WhatsApp numbers on 360dialog into Prometheus metrics.

Try it without an account, with simulated numbers:

    d360_exporter demo

Check your own account (reads, changes nothing):

    d360_exporter check --live --partner.id=YOUR_PARTNER_ID --partner.api-key-file=FILE

Run the exporter, which needs the same two settings:

    d360_exporter serve --partner.id=YOUR_PARTNER_ID --partner.api-key-file=FILE

Both can come from the environment, as D360_PARTNER_ID and D360_API_KEY_FILE (or the key itself as D360_API_KEY).
The partner id and the API key are in 360dialog's Partner Hub. All commands and flags: d360_exporter --help
";

/// Whether nothing was said: no arguments, and no setting in the environment.
pub(super) fn is_first_time() -> bool {
    let is_setting = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with("D360_");
    std::env::args_os().len() <= 1 && !std::env::vars_os().any(|(name, value)| is_setting(&name) && !value.is_empty())
}
