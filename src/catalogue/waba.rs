//! The families of WhatsApp business accounts.

use super::entry::{Entry, families, polled};
use crate::family::Values;

/// One entry per family.
pub(super) const FAMILIES: &[Entry] = families! {
    Waba Gauge "d360_waba_account_info" [
        "waba_account_name" = Values::Text("name of the account", "Bakery One"),
        "business_id" = Values::Text("Meta's id of the business portfolio, empty if unknown", "178451236789012"),
    ],
        polled!("Information about the WhatsApp business account; always 1."),
        |waba, out| out.sample(&[
            waba.name.as_deref().unwrap_or_default(),
            waba.business_id.as_deref().unwrap_or_default(),
        ], 1_u64.into());
    Waba Gauge "d360_waba_account_status" ["status" = Values::Text("status as the Partner API writes it, lower case", "approved")],
        polled!("Current status of the WhatsApp business account; always 1. Numbers of a banned or disabled account cannot send, whatever their own status says."),
        |waba, out| out.word(waba.status.as_deref());
    Waba Gauge "d360_waba_account_verification_status" ["status" = Values::Text("status as the Partner API writes it, lower case", "verified")],
        polled!("Current state of Meta's verification of the business; always 1."),
        |waba, out| out.word(waba.verification.as_deref());
};
